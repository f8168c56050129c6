"""The 100DOH hand-object detector (Shan et al., CVPR 2020) on plain torch and torchvision.

A Faster R-CNN on ResNet-101 whose regions also tell a hand's side, its contact state and where the
object is that it touches. Facts (names, shapes, constants, order of operations) are those of the public
source, github.com/ddshan/hand_object_detector, which is built on branch pytorch-1.0 of
github.com/jwyang/faster-rcnn.pytorch; each module names the file they stand in.
"""
