"""Names of Guatemala with their shares, for invented people.

Shares of the most common ones: the national registry RENAP, as reported by Guatemalate and Soy502 on 1 October 2025 (of
9,186,596 women María 863,932, Ana 253,250, Juana 207,201, Rosa 140,124, Marta 106,103; of 8,893,214 men José 501,827,
Juan 405,431, Carlos 279,776, Luis 253,845, Pedro 159,589) and by Emisoras Unidas on 11 March 2026 (of 18.1 million
people López 1.7 million, Pérez 1.2, García 0.85; then Hernández, Morales, Ramírez, Gómez, González, Vásquez, Caal).
These are facts of a public registry. The other names are in ordinary use; nobody publishes their shares, so they follow
a law of Zipf from the last published share on. The lists are shorter than life, so names collide more often here.
"""

WOMEN_FIRST = {"María": 0.0940, "Ana": 0.0276, "Juana": 0.0226, "Rosa": 0.0153, "Marta": 0.0115}
MEN_FIRST = {"José": 0.0564, "Juan": 0.0456, "Carlos": 0.0315, "Luis": 0.0285, "Pedro": 0.0179}
FAMILY_FIRST = {"López": 0.094, "Pérez": 0.066, "García": 0.047}

_WOMEN_MORE = """
Carmen Elena Isabel Marisol Claudia Sandra Silvia Gloria Lucía Petrona Catarina Magdalena Francisca Josefa Manuela
Dolores Candelaria Micaela Tomasa Dominga Sebastiana Cristina Elizabeth Leticia Lorena Ingrid Wendy Karla Brenda
Evelyn Heidy Glenda Mirna Yolanda Olga Irma Blanca Alma Aura Julia Teresa Guadalupe Rosario Esperanza Angélica
Patricia Mónica Verónica Andrea Gabriela Daniela Sofía Alejandra Paola Fernanda Valeria Jimena Ximena Camila Estefany
Dulce Marleny Maribel Yesenia Vilma Thelma Zoila Ofelia Amalia Delfina Eulalia Felipa Gregoria Hermelinda Herlinda
Jacinta Lidia Lucrecia Margarita Matilde Mercedes Nicolasa Norma Odilia Paula Reyna Rosalía Rosalina Rosaura Rufina
Santa Telma Vicenta Victoria Virginia Viviana Berta Cecilia Consuelo Edelmira Elvira Emilia Ester Eva Flor Floridalma
Graciela Hilda Inés Josefina Laura Lesbia Ligia Luisa Nancy Nora Raquel Sara Sonia Susana
"""
WOMEN_MORE = _WOMEN_MORE.split()
_MEN_MORE = """
Manuel Francisco Miguel Antonio Jorge Mario Óscar Julio César Sebastián Domingo Tomás Diego Mateo Andrés Pascual
Santos Gaspar Baltazar Nicolás Jacinto Marcos Lucas Felipe Santiago Cristóbal Bartolo Esteban Martín Vicente Alejandro
Fernando Roberto Eduardo Ricardo Enrique Rolando Byron Wilson Edwin Elmer Selvin Marvin Henry Kevin Brandon Estuardo
Leonel Rigoberto Gilberto Humberto Alberto Adalberto Heriberto Guillermo Gustavo Hugo Rafael Raúl Ramón Rubén Salvador
Samuel Víctor Vinicio Walter William Wilmer Abelardo Abraham Adolfo Adrián Agustín Alfonso Alfredo Álvaro Ángel Ariel
Arnoldo Arturo Aurelio Benjamín Bernardo Cecilio Crisanto Cristian Daniel David Efraín Elías Eliseo Emilio Erick
Ernesto Eusebio Everardo Fabián Félix Fredy Gabriel Gerardo Gerson Giovanni Gonzalo Gregorio Héctor Hermenegildo
Ignacio Isaías Ismael Israel Iván Jaime Javier Jesús Joaquín Joel Jonathan Josué Lázaro Lorenzo Macario Maynor Moisés
Noé Orlando Osmar Pablo Rodolfo Rodrigo Rogelio Romeo Saúl Sergio
"""
MEN_MORE = _MEN_MORE.split()
_FAMILY_MORE = """
Hernández Morales Ramírez Gómez González Vásquez Caal Martínez Rodríguez Castillo Reyes Méndez Díaz Cruz Ramos Ruiz
Velásquez Juárez Flores Aguilar Chávez Sánchez Estrada Alvarado León Jiménez Gutiérrez Fuentes Ortiz Castro Mejía
Ortega Cardona Orozco Barrios Mendoza Santos Rivera Pineda Cabrera Miranda Escobar Contreras Medina Torres Tzoc Choc
Coc Xol Ajanel Cuc Chub Tiul Ico Bautista Carrillo Cifuentes Pascual Marroquín Monzón Godínez Ordóñez Maldonado Moreno
Salazar Vicente Lux Tum Us Pop Batz Xicay Cutzal Ajcip Tepaz Quej Maquín Racancoj Sacalxot Tambriz Chavajay Cholotío
Tziná Guarchaj Tzep Xum Puac Canil Catinac Tzicap Tzunún Tuy Tococh Sajbin Macario Toj Cux Pú Zapeta Chuc Ixcot Ixcoy
Ixquiac Yax Yac Xec Xiloj Xitumul Tecún Tzul Tzoy Tzaj Tzuy Sis Sic Sipac Simaj Sontay Saquic Quiej Quisque Quino Poz
Par Pocop Oxlaj Osoy Noj Mux Muxtay Mucía Mejicanos Menchú Lares Laj Ixcayá Ical Huz Guoron Gonón Ejcalón Cumes Cumatz
Colop Cojulún Coyoy Cochoy Chúy Chiroy Chitay Chicoj Chacach Cac Cajas Bol Bac Atz Asij Ajú Ajcot Ajquejay Ajtún
Ajuchán Acabal Calel Camey Canux Cúmez Curup Elías Enríquez Figueroa Galindo Girón Guerra Guzmán Herrera Hidalgo
Izaguirre Lemus Lima Linares Lorenzo Luna Marín Molina Monterroso Muñoz Navarro Najarro Nájera Ochoa Palacios Paz Peña
Polanco Ponce Portillo Quiñónez Quintana Rosales Rivas Robles Roca Rojas Román Salguero Samayoa Sandoval Sarceño
Solares Solís Soto Tobar Trujillo Urizar Valdez Valenzuela Vargas Vega Véliz Villatoro Yoc Zamora Zavala Zepeda Zúñiga
"""
FAMILY_MORE = _FAMILY_MORE.split()
SHORT_FORMS = {
    "José": ["Pepe", "Chepe"],
    "Francisco": ["Paco", "Chico", "Pancho"],
    "Guadalupe": ["Lupe"],
    "Rosario": ["Chayo"],
    "Manuel": ["Meme"],
    "Roberto": ["Beto"],
    "Alberto": ["Beto"],
    "Humberto": ["Beto"],
    "Gilberto": ["Beto"],
    "Ignacio": ["Nacho"],
    "Guillermo": ["Memo"],
    "Jesús": ["Chus"],
    "Eduardo": ["Lalo"],
    "Enrique": ["Quique"],
    "Vicente": ["Chente"],
    "Gregorio": ["Goyo"],
    "Domingo": ["Mingo"],
    "Isabel": ["Chabela"],
    "Dolores": ["Lola"],
    "Consuelo": ["Chelo"],
    "Mercedes": ["Meche"],
    "Leticia": ["Lety"],
    "Patricia": ["Paty"],
    "Gabriela": ["Gaby"],
    "Josefina": ["Fina"],
    "Josefa": ["Chepa"],
    "Francisca": ["Paca"],
    "María": ["Mari"],
    "Rafael": ["Rafa"],
    "Fernando": ["Nando"],
    "Antonio": ["Toño"],
    "Luis": ["Lucho"],
    "Gustavo": ["Tavo"],
    "Salvador": ["Chava"],
    "Santiago": ["Chago"],
    "Alejandro": ["Jandro"],
    "Ernesto": ["Neto"],
    "Teresa": ["Tere"],
    "Yolanda": ["Yoli"],
    "Rodolfo": ["Fito"],
}
