"""What a returnee allows, as registration publishes it, and what follows when a consent ends or is given again."""
