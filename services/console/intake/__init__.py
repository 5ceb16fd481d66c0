"""What a registered person tells about themselves: profile, names and age, household, safe contact; and their slip."""
