"""A number without torch or inkseed: numpy, pillow, onnxruntime, and a graph that inkseed exported.

    inkseed export --model digits-fast --out digits.onnx
    python examples/without_torch.py digits.onnx 00297375 7 number.png

The digits are those of `inkseed write 00297375 --seed 7 --model digits-fast`, in the same hand.
"""

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image

NOISE, SAMPLER, WRITER = 0, 1, 16  # purposes of streams: docs/streams.md
LEGIBLE = 1.6  # the guidance that `inkseed write` raises a model's own to


def philox(counter, key):
    c0, c1, c2, c3 = (np.uint64(word) for word in counter)
    k0, k1 = key
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c2 = (p1 >> 32) ^ c1 ^ np.uint64(k0), (p0 >> 32) ^ c3 ^ np.uint64(k1)
        c1, c3 = p1 & 0xFFFFFFFF, p0 & 0xFFFFFFFF
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return np.stack(np.broadcast_arrays(c0, c1, c2, c3), -1)


def normals(seed, image, count, purpose, draw=0):
    blocks = np.arange(-(-count // 4))
    words = philox((blocks, image, 0, purpose + 256 * draw), (seed % 2**32, seed >> 32))
    u, v = ((words.ravel() + 0.5) / 2**32).reshape(-1, 2).T
    radius, angle = np.sqrt(-2 * np.log(u)), 2 * np.pi * v
    pairs = np.stack((radius * np.cos(angle), radius * np.sin(angle)), -1)
    return pairs.ravel()[:count].astype(np.float32)


path, number, seed, out = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
session = onnxruntime.InferenceSession(path)
told = {key: json.loads(v) for key, v in session.get_modelmeta().custom_metadata_map.items()}
facts, hands = told["inkseed"], told["inkseed_hands"]
height, width = facts["image_size"]
purposes = [(NOISE, 0)] + [(SAMPLER, draw) for draw in range(facts["noises"] - 1)]
noise = [[normals(seed, k, height * width, *p) for p in purposes] for k in range(len(number))]
code = np.array(hands["hand_factor"]) @ normals(seed, 0, len(hands["hand_mean"]), WRITER)
code += hands["hand_mean"]  # a hand that nobody has, told as surely as one of ten digits
hand = np.append((code - code.mean()) / np.sqrt(code.var() + 1e-5), 10**-0.5)
given = {
    "noise": np.reshape(noise, (len(number), len(purposes), 1, height, width)),
    "label": np.array([facts["class_names"].index(digit) for digit in number]),
    "guide_w": np.full(len(number), max(facts["guide_w"], LEGIBLE), np.float32),
    "style": np.full((len(number), len(facts["styles"])), np.nan, np.float32),
    "hand": np.tile(hand.astype(np.float32), (len(number), 1)),
}
images = session.run(["images"], given)[0]
picture = Image.fromarray(255 - np.hstack(images))
picture.resize((picture.width * 4, picture.height * 4), Image.Resampling.BICUBIC).save(out)
