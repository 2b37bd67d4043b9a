"""Evidence packs: what a camera recorded, sealed with what is needed to check it without us."""
