"""What the screen shows: rows, the folds that fill them, and how their frames are to be folded.

Pure and bounded. Here integers become numbers of dollars; nothing flows back into a decision. The
dashboard role (`core.roles.dashboard`) carries the panels, the web layer shows what they emit.
"""
