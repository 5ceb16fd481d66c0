"""How far the needs of flights and buses are, and how long people wait: numbers only, without a person."""
