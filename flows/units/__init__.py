"""Small frozen values, one for each thing that a switch needs to know: the units of compiling."""
