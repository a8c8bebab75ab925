"""iiko Server (`/resto/api`): login slots, departments, the sales OLAP question."""
