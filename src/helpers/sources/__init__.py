"""Fresh data: the only part of the project that reaches the network, and only by ``make refresh``.

A source is a module of its name with a function ``pull``, a row for each of its files in ``data/feeds.csv`` and a row
for each column that is compared with what is held in ``data/tolerances.csv``. `fetch` gets the files, `formats` opens
them with care, `keep` compares, archives and appends, `refresh` does all that for each source by itself.
"""
