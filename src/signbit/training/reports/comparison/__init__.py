"""Methods compared under one protocol: the runs, the table of what they reached, and its plot.

A folder holds one comparison: METHOD/seed-0/ and so on are run folders, the tables and plot.png are
made of all of them, whichever command trained them.
"""
