"""Arms and seeds of one distillation beside one another: what teachers, weightings and unlabelled text are worth."""
