"""What forecasts by product promise. Apart from the engine's code: who only reads them loads neither SciPy nor LightGBM."""

HORIZON = 14  # days ahead
LEVELS = (0.1, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975)  # at which it is told how many units suffice
TOLERANCE = 0.05  # between what the items of a department bring and what its own forecast leaves for them
MOST_MOVED = 1.25  # no forecast is multiplied by more for it, nor divided
