"""The four services of Enlace."""
