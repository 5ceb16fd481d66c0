"""Programs that run Enlace locally and in containers, load country packs, and check documents and dependencies."""
