"""Events, readings, camera state and the accounting of frames."""
