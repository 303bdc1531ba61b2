"""Pykka actors, threads and sockets; no decisions."""
