"""How far the intake of flights and buses is: numbers only, without a person."""
