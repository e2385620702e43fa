"""Public ways to make labelled MNIST digits, close to how their own documentation shows them.

`Diffusers` is the UNet2DModel of Hugging Face's diffusion course (unit 2), told its class by the
library's own embedding (the course joins one to the image), with attention at 7x7 only, which
trains three times as fast here, and the ingredients of the library's
own training script: AdamW, warm-up, cosine decay and its EMA; bfloat16 where we use it. Its
pipelines take no label, so their loop around the schedulers is written out. `Density` is
scikit-learn's example of drawing digits from a kernel density in PCA's space, one a digit.
"""

import math
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMScheduler, UNet2DModel
from diffusers.training_utils import EMAModel
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity

from inkseed.data import join, split_mnist
from inkseed.data.labelled import LabelledImages, to_tensor, to_uint8
from inkseed.nn.precision import autocast

BATCH = 128
PEAK_RATE, WARM_UP = 1e-3, 0.05
CHAIN = {"num_train_timesteps": 1000, "beta_schedule": "squaredcos_cap_v2"}


def training_digits() -> LabelledImages:
    """What every way here learns from: parts A and B, 50,046 digits."""
    split = split_mnist()
    return join([split.part_a, split.part_b])


class Diffusers:
    """diffusers' UNet2DModel with DDPM and DDIM, trained for a given processor time."""

    def __init__(self, device: torch.device) -> None:
        torch.manual_seed(0)
        self.device = device
        self.images = 0  # seen in training
        self.unet = UNet2DModel(
            sample_size=28,
            in_channels=1,
            out_channels=1,
            layers_per_block=2,
            block_out_channels=(32, 64, 64),
            down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
            up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
            attention_head_dim=64,
            num_class_embeds=10,
        ).to(device)  # channels-last would make this one slower

    def train(self, seconds: float) -> None:
        """Train until this process has used `seconds` of processor time for it."""
        source = training_digits()
        images, labels = to_tensor(source.images), torch.from_numpy(source.labels)
        scheduler = DDPMScheduler(**CHAIN)
        optimiser = torch.optim.AdamW(self.unet.parameters(), PEAK_RATE, weight_decay=1e-2)
        average = EMAModel(self.unet.parameters(), decay=0.9999, use_ema_warmup=True, power=0.75)
        draw = torch.Generator().manual_seed(0)
        began, used, step = time.process_time(), 0.0, 0
        while used < seconds:
            batch = torch.randint(0, len(labels), (BATCH,), generator=draw)
            part = used / seconds
            rate = min(part / WARM_UP, 0.5 + 0.5 * math.cos(math.pi * part))
            for group in optimiser.param_groups:
                group["lr"] = PEAK_RATE * max(rate, 1e-3)
            noise = torch.randn((BATCH, 1, 28, 28), generator=draw)
            t = torch.randint(0, CHAIN["num_train_timesteps"], (BATCH,), generator=draw)
            x_t = scheduler.add_noise(images[batch], noise, t).to(self.device)
            with autocast(self.device):
                eps = self.unet(x_t, t.to(self.device), labels[batch].to(self.device)).sample
            loss = torch.nn.functional.mse_loss(eps.float(), noise.to(self.device))
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.unet.parameters(), 1.0)
            optimiser.step()
            average.step(self.unet.parameters())
            step += 1
            used = time.process_time() - began
        average.copy_to(self.unet.parameters())
        self.unet.eval()
        self.images = step * BATCH

    def save(self, folder: Path) -> None:
        self.unet.save_pretrained(folder)

    def restore(self, folder: Path) -> None:
        self.unet = UNet2DModel.from_pretrained(folder).to(self.device).eval()

    @torch.no_grad()
    def sample(self, labels: np.ndarray, seed: int, kind: str, steps: int) -> np.ndarray:
        """uint8 (N, 28, 28) for labels (N,), by "ddpm" or "ddim" (eta 0)."""
        scheduler = {"ddpm": DDPMScheduler, "ddim": DDIMScheduler}[kind](**CHAIN)
        scheduler.set_timesteps(steps)
        draw = torch.Generator().manual_seed(seed)
        x = torch.randn((len(labels), 1, 28, 28), generator=draw).to(self.device)
        classes = torch.from_numpy(labels).to(self.device)
        for t in scheduler.timesteps:
            with autocast(self.device):
                eps = self.unet(x, t, classes).sample
            x = scheduler.step(eps.float(), t, x, generator=draw).prev_sample
        return to_uint8(x.cpu())


class Density:
    """scikit-learn's PCA and KernelDensity, one a digit, the bandwidth by cross-validation."""

    COMPONENTS, FOR_BANDWIDTH = 30, 500

    def __init__(self) -> None:
        source = training_digits()
        self.fitted = []
        for digit in range(10):
            flat = source.images[source.labels == digit].reshape(-1, 784) / 255
            pca = PCA(self.COMPONENTS, random_state=0)
            codes = pca.fit_transform(flat)
            search = GridSearchCV(KernelDensity(), {"bandwidth": np.logspace(-0.6, 0.2, 9)})
            search.fit(codes[: self.FOR_BANDWIDTH])
            self.fitted.append((pca, KernelDensity(**search.best_params_).fit(codes)))

    def sample(self, labels: np.ndarray, seed: int) -> np.ndarray:
        """uint8 (N, 28, 28) for labels (N,)."""
        images = np.empty((len(labels), 28, 28), np.uint8)
        for digit, (pca, density) in enumerate(self.fitted):
            own = labels == digit
            if own.any():
                flat = pca.inverse_transform(density.sample(int(own.sum()), random_state=seed))
                images[own] = (flat.clip(0, 1) * 255).round().reshape(-1, 28, 28)
        return images
