"""The mathematics: noise schedules, conditions, denoisers and their losses, guidance, counting."""
