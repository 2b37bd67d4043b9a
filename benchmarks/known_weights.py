"""The files of real versions in `shared/data/weights/detection`, by their names in benchmarks and tests.

Imported by tests of the data plane, which know no Django: nothing else belongs here.
"""

FILES = {
    "picodet-s-320": "picodet_s_320.onnx",
    "picodet-s-416": "picodet_s_416.onnx",
    "nanodet-m-320": "nanodet_m_320.onnx",
    "nanodet-m-416": "nanodet_m_416.onnx",
    "yolox-nano": "yolox_nano_v0.1.1_bgr255.onnx",
    "yolox-nano-0.1.0": "yolox_nano_v0.1.0_rgbnorm.onnx",
}
