"""Charts by matplotlib. A kind is one file with `data(request)`, what is drawn, and `draw(data)`, how; see kinds.py."""
