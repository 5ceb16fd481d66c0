"""The search for services: by words, category, place, language, opening and free places."""
