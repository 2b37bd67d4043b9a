"""Detectors: one small decoder per family of graphs, one class that runs them all."""

from inference_workers.engine.detectors.base import Detector, OnnxDetector

__all__ = ["Detector", "OnnxDetector"]
