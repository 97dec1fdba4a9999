def write(rows):
    pass
