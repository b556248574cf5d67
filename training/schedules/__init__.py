"""Learning-rate schedules, one file for each: the rate of a step, as a function of how many were done."""
