"""Names so common in Guatemala that two of them with nothing else do not narrow a search, and names that look alike.

Surnames in the order of the national registry RENAP, as far as it is published (López 1.7 million people, Pérez 1.2,
García 0.85, then Hernández, Morales, Ramírez, Gómez, González, Vásquez and Caal; Emisoras Unidas, 11 March 2026); the
others are ours, from names in ordinary use.
"""

from services.registration.linkage.nicknames import NAMES

_FAMILY = """
lopez perez garcia hernandez morales ramirez gomez gonzalez vasquez caal martinez rodriguez castillo reyes mendez diaz
cruz ramos ruiz lopes velasquez juarez flores aguilar chavez sanchez estrada alvarado leon jimenez gutierrez fuentes
ortiz castro mejia ortega cardona orozco barrios mendoza santos rivera pineda cabrera miranda escobar contreras medina
torres francisco domingo pop tzoc choc coc xol ajanel cuc chub tiul ico bautista carrillo cifuentes pascual marroquin
monzon godinez ordonez maldonado moreno salazar vicente lux tum us
"""
_GIVEN = """
adan adela adelina adolfo adrian adriana agustin agustina aida alba alexis alicia alma alvaro amalia amanda amparo
ariel armando aura azucena blanca boris brenda brian brianna bruno bryan byron camila camilo cesar chloe clara claudia
claudio cristian damian dario delfina delia delmy edgar edwin elda elias elisa elisea eliseo ella ellie elmer elsa
elvira emilia emiliano emilio emily emma erica erick erika estela ester eva evelin evelyn ezequiel fabian fabiola
fatima fidel fidelia flor flora floridalma freddy fredy genaro georgia glenda hannah hayden hector helen henry hilda
hugo ines ingrid irene iris israel ivan jack jacob jaime jake jason jayden jeremias jimena joel jordan jose joshua
josue juan juana judith julia julian juliana juliano karen karina karla kevin laura lazaro lesbia leslie lesly liam
lidia ligia lilian liliana linda lucas luis luisa luke luz macario maira marco mariana mariano maribel maricruz marina
marino marisol marleny marlon marta marvin mayra melani melissa melvin mercedes mia milton mirna monica myra nancy
nelson nery nicole nidia noah noel nora norma odilia ofelia olivia orlando osmar otto ovidio paola paulina paulino
paulo perla priscila rafaela ramona raquel rebeca reina rene rocio romelia romeo rosalba rosario rosaura roxana ruben
rudy ruth ryan sabina santa santos sara sarai saul selvin sergio sheila silvia sonia sophie stefany tania telma thelma
tulio vanesa vilma violeta viviana walter wilber wilmer wilson ximena yadira yesenia yohana zoila
"""
FAMILY = frozenset(_FAMILY.split())
GIVEN = NAMES | frozenset(_GIVEN.split())
"""Given names that people have. If one differs from another by a letter, it is no slip of the pen."""
