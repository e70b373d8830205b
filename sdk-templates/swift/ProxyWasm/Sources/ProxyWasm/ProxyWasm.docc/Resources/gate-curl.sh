$ x
