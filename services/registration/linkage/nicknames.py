"""Short forms of given names, and abbreviations of names, as they are written in Guatemala and its neighbours.

A line names a form of a name, and then the short ones. A short form of two names stands in both lines.
"""

_GIVEN = """
adalberto: beto
alberto: beto tito
alejandra: ale jandra sandra
alejandro: ale jandro alex
alfonso: poncho fonso
alfredo: fredo fredy alfre
alicia: licha licho
ana: anita any
andrea: andre
andres: andy
angela: angelita
angelica: angie
anselmo: chemo
antonia: tona toya tonita
antonio: tono tonio tony toño
arturo: turo
aurelio: yeyo
beatriz: bety betty bea
benjamin: benja mincho
bernardo: nayo berna
carlos: carlitos charly cali
carmen: carmencita mencha menchita
carolina: caro
catarina: cata catita
catalina: cata catita
cecilia: ceci chila
cesar: checha
concepcion: concha conchita chon
consuelo: chelo
cristina: cris tina
cristobal: tobal
cruz: crucita
daniel: dani danny
david: davi
diego: yeyo
domingo: mingo chomin
dolores: lola lolita
eduardo: lalo guayo edu edy
elena: nena
elizabeth: eli liz lisbeth elisa beth bety
enrique: quique kike
ernesto: neto
esteban: teban
esperanza: espe lancha
estuardo: guayo
eugenia: gena quena
eugenio: queno geno
feliciano: chano
felipe: pipe lipe
felix: licho
fernanda: fer nanda
fernando: nando fer
florencia: lencha
francisca: paca pancha chica paquita
francisco: paco pancho chico kiko quico fco frco panchito paquito
gabriel: gabo gabi
gabriela: gaby gabi
gerardo: lalo gera
gilberto: beto gil
gloria: yoya
gonzalo: chalo
graciela: chela
gregorio: goyo
guadalupe: lupe lupita gpe lupito
guillermo: memo guicho guille
gustavo: tavo
hector: tito
heriberto: beto
herlinda: linda
hernan: nan
humberto: beto
ignacio: nacho
irma: mimi
isabel: chabela chabe isa chavela
ismael: mayo
jacinto: chinto
javier: javi
jesus: chus chuy chucho
joaquin: quincho
jorge: coque jorgito
jose: pepe chepe pepito chepito joselito
josefa: chepa chefa pepa fina
josefina: fina chepina
juan: juancho juanito
juana: juanita
julia: juli
juliana: juli
julio: julito
leonardo: leo nardo
leonel: leo nel
leticia: lety leti
lorenzo: lencho
lorena: lore
lourdes: lulu
lucia: luci chia
luis: lucho guicho wicho luisito
luisa: luisita
magdalena: malena magda lena
manuel: meme manolo manu manuelito
manuela: mela nela
marcela: chela marce
marcos: marquitos
margarita: mago magui rita
maria: mari ma mary
maricela: chela
mario: mayito
marta: martita
martin: tin
mateo: teo
maura: mau
mauricio: mau maury
mercedes: meches meche merce
micaela: mica
miguel: mique migue mickey
moises: moy
natividad: nati
nicolas: nico colas
noe: noecito
octavio: tavo
olga: olguita
oscar: osqui
pablo: pablito
patricia: paty pati
paula: pau
pedro: perico pedrito
petrona: petro toya
rafael: rafa fallo
ramon: moncho
raul: rulo
reginaldo: rexi
remedios: reme
reyna: rey
ricardo: richard cayo
rigoberto: beto rigo
roberto: beto tito rob
rodolfo: fito rolo
rodrigo: rodri
rogelio: royer
rolando: rolo
rosa: rosita
rosario: chayo charo
rosalia: chalia
rosalina: lina
salvador: chamba chava
samuel: sami
sandra: sandy
santiago: chago yago santi
santos: santitos
sebastian: sebas chabo bastian
silvia: chiva silvi
sofia: sofi chofi
soledad: chole
susana: susi
teresa: tere teresita
tomas: tomasito maxito
trinidad: trini
valentina: vale
veronica: vero
vicenta: chenta
vicente: chente
victor: vito
victoria: vicky toya
virginia: vicky gina
wendy: wen
william: willy wili
wilfredo: willy
xiomara: xiomy
yolanda: yoli
elisabeth: liz
catherine: cathy kate katie
christopher: chris
james: jim jimmy jamie
jessica: jess jessie
jonathan: jon
joshua: josh
matthew: matt
michael: mike mick
nicholas: nick
robert: bob rob
samantha: sam
thomas: tom
zachary: zac zach
benedict: ben
alexander: alex
alexandra: alex
"""
_FAMILY = """
hernandez: hdez hdz
gonzalez: glez gzlez gonz
rodriguez: rdz rguez rodz
martinez: mtz mtez mrtz
fernandez: fdez fdz
lopez: lpz
perez: prz
gutierrez: gtz gutz
ramirez: rmz
sanchez: snz schz
jimenez: jmz
vasquez: vsqz
garcia: gcia
"""


def _roots(table: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in table.split("\n"):
        name, _, short = line.partition(":")
        for one in short.split():
            found.setdefault(one.replace("ñ", "n"), set()).add(name)
    return {short: frozenset(names) for short, names in found.items()}


_SHORT_GIVEN, _SHORT_FAMILY = _roots(_GIVEN), _roots(_FAMILY)
NAMES = frozenset(line.partition(":")[0] for line in _GIVEN.split("\n") if line)
"""The given names that have short forms."""


def given_roots(word: str) -> frozenset[str]:
    """The names that a given name may stand for; only itself if it is no short form."""
    return _SHORT_GIVEN.get(word, frozenset()) | {word}


def written_out(word: str) -> str:
    """A surname without abbreviation."""
    return next(iter(_SHORT_FAMILY.get(word, ())), word)
