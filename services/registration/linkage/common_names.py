"""Names so common in Guatemala that two of them with nothing else do not narrow a search.

Surnames in the order of the national registry RENAP, as far as it is published (López 1.7 million people, Pérez 1.2,
García 0.85, then Hernández, Morales, Ramírez, Gómez, González, Vásquez and Caal; Emisoras Unidas, 11 March 2026); the
others are ours, from names in ordinary use.
"""

FAMILY = frozenset(
    "lopez perez garcia hernandez morales ramirez gomez gonzalez vasquez caal martinez rodriguez castillo reyes mendez "
    "diaz cruz ramos ruiz lopes velasquez juarez flores aguilar chavez sanchez estrada alvarado de_leon leon jimenez "
    "gutierrez fuentes ortiz castro mejia ortega cardona orozco barrios mendoza santos rivera pineda cabrera miranda "
    "escobar contreras medina torres francisco domingo pop tzoc choc coc xol ajanel cuc chub tiul ico bautista "
    "carrillo cifuentes pascual marroquin monzon godinez ordonez maldonado moreno salazar vicente lux tum us".split()
)
