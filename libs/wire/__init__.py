"""How text from outside is read, the same for REST, files and events. Pure; used by bus and chassis."""
