"""The mathematics: schedules, conditions, denoisers and their losses, guidance, counting."""
