"""What an iiko server lists beside its sales: products with their groups, categories, units and prices, and stores."""
