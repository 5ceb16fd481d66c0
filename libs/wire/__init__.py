"""How text from outside is read, in the same way for REST, files and events. It is pure; events and chassis use it."""
