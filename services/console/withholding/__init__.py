"""The private people whom a person excludes: told, shown to who may see the person, ended."""
