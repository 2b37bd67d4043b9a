"""How long what is kept: classes, holds, and the sweeper that deletes what is over."""
