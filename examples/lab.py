"""The lab report in one file, under its own names: python examples/lab.py

Linear betas, a network that predicts eps, the DDPM chain, label dropout, guidance and noise
selection. Ten minutes of training on two cores are enough for legible digits, because the network
is small (n_feat 32 where the report has 128) and the chain short (n_T 100 where it has 400, with
larger betas, so that as little of the image is left at its end). In the folder lab/ you find the
loss over the steps, Figure 1, a student's number, and model.safetensors, which inkseed can load:

    inkseed write 00297375 --model lab/model.safetensors --out number.png
    inkseed evaluate --model lab/model.safetensors --count 50

Needs torch, numpy, pillow and safetensors; nothing is imported from inkseed.
"""

import argparse
import gzip
import json
import shutil
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from safetensors.torch import save_file
from torch import nn

MNIST = Path(__file__).resolve().parents[1] / "src" / "inkseed" / "data" / "files"
SIZE = (1, 28, 28)


def create_mnist_dataloaders(batch_size):
    """Batches of images (N, 1, 28, 28) in [-1, 1], ink +1, and labels (N,)."""
    pixels = gzip.decompress((MNIST / "train-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((MNIST / "train-labels-idx1-ubyte.gz").read_bytes())[8:]
    x = torch.from_numpy(np.frombuffer(pixels, np.uint8).copy()).reshape(-1, *SIZE)
    c = torch.from_numpy(np.frombuffer(labels, np.uint8).astype(np.int64))
    dataset = torch.utils.data.TensorDataset(x.float() / 127.5 - 1, c)
    return torch.utils.data.DataLoader(dataset, batch_size, shuffle=True, drop_last=True)


# The network: a U-Net of two levels. Label and time scale and shift its decoder's maps.
class ResidualConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.same_channels = in_channels == out_channels
        self.conv1, self.conv2 = (
            nn.Sequential(
                nn.Conv2d(c, out_channels, 3, 1, 1), nn.BatchNorm2d(out_channels), nn.GELU()
            )
            for c in (in_channels, out_channels)
        )

    def forward(self, x):
        x1 = self.conv1(x)
        x2 = self.conv2(x1)
        return ((x if self.same_channels else x1) + x2) / 1.414  # keeps the variance


class UnetDown(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.model = nn.Sequential(ResidualConvBlock(in_channels, out_channels), nn.MaxPool2d(2))

    def forward(self, x):
        return self.model(x)


class UnetUp(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.model = nn.Sequential(
            nn.ConvTranspose2d(in_channels, out_channels, 2, 2),
            ResidualConvBlock(out_channels, out_channels),
            ResidualConvBlock(out_channels, out_channels),
        )

    def forward(self, x, skip):
        return self.model(torch.cat((x, skip), 1))


def EmbedFC(input_dim, emb_dim):
    return nn.Sequential(nn.Linear(input_dim, emb_dim), nn.GELU(), nn.Linear(emb_dim, emb_dim))


class ContextUnet(nn.Module):
    """Predicts the noise in x, given labels c, times t = i / n_T, and where the label is hidden."""

    def __init__(self, in_channels=1, n_feat=256, n_classes=10):
        super().__init__()
        self.n_feat, self.n_classes = n_feat, n_classes
        self.init_conv = ResidualConvBlock(in_channels, n_feat)
        self.down1, self.down2 = UnetDown(n_feat, n_feat), UnetDown(n_feat, 2 * n_feat)
        self.to_vec = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.GELU())
        self.timeembed1, self.timeembed2 = EmbedFC(1, 2 * n_feat), EmbedFC(1, n_feat)
        self.contextembed1 = EmbedFC(n_classes, 2 * n_feat)
        self.contextembed2 = EmbedFC(n_classes, n_feat)
        self.up0 = nn.Sequential(
            nn.ConvTranspose2d(2 * n_feat, 2 * n_feat, 7, 7), nn.GroupNorm(8, 2 * n_feat), nn.ReLU()
        )
        self.up1, self.up2 = UnetUp(4 * n_feat, n_feat), UnetUp(2 * n_feat, n_feat)
        self.out = nn.Sequential(
            nn.Conv2d(2 * n_feat, n_feat, 3, 1, 1),
            nn.GroupNorm(8, n_feat),
            nn.ReLU(),
            nn.Conv2d(n_feat, in_channels, 3, 1, 1),
        )

    def forward(self, x, c, t, context_mask):
        x = self.init_conv(x)
        down1 = self.down1(x)
        down2 = self.down2(down1)
        up0 = self.up0(self.to_vec(down2))
        c = F.one_hot(c, self.n_classes).float() * (1 - context_mask)[:, None]
        cemb1, cemb2 = (
            self.contextembed1(c)[..., None, None],
            self.contextembed2(c)[..., None, None],
        )
        temb1, temb2 = (
            e(t.view(-1, 1))[..., None, None] for e in (self.timeembed1, self.timeembed2)
        )
        up1 = self.up1(cemb1 * up0 + temb1, down2)
        up2 = self.up2(cemb2 * up1 + temb2, down1)
        return self.out(torch.cat((up2, x), 1))


class SimpleDiffusion(nn.Module):
    def __init__(self, nn_model, betas, n_T, device, drop_prob=0.1):
        super().__init__()
        self.nn_model = nn_model.to(device, memory_format=torch.channels_last)
        self.n_T, self.drop_prob = n_T, drop_prob
        self.betas, self.device = betas, device
        beta_t = torch.cat((torch.zeros(1), torch.linspace(*betas, n_T)))  # entry i is step i
        self.alpha_t, self.sqrt_beta_t = 1 - beta_t, beta_t.sqrt()
        alpha_bar = self.alpha_t.cumprod(0)  # the report's "alpha_t" of equation (1)
        self.sqrt_alpha_bar, self.sqrt_one_minus_alpha_bar = (
            alpha_bar.sqrt(),
            (1 - alpha_bar).sqrt(),
        )

    def forward(self, x, c):
        """The loss: the mean squared error of the noise, at a random step of equation (1)."""
        i = torch.randint(1, self.n_T + 1, (len(x),))
        noise = torch.randn_like(x)
        signal, sigma = (
            table[i].to(x)[:, None, None, None]
            for table in (self.sqrt_alpha_bar, self.sqrt_one_minus_alpha_bar)
        )
        context_mask = (torch.rand(len(x)) < self.drop_prob).to(x)  # 1: the label is hidden
        x_t = signal * x + sigma * noise
        return F.mse_loss(noise, self.nn_model(x_t, c, (i / self.n_T).to(x), context_mask))

    def predict(self, x_i, c, i, guide_w=0.0):
        """The noise in x_i at step i, under the guidance of equation (3)."""
        t = torch.full((len(x_i),), i / self.n_T, device=x_i.device)
        eps = self.nn_model(x_i, c, t, torch.zeros_like(t))
        if guide_w == 0:
            return eps
        return (1 + guide_w) * eps - guide_w * self.nn_model(x_i, c, t, torch.ones_like(t))

    @torch.no_grad()
    def sample(self, x_i, c, guide_w=0.0):
        """The chain of DDPM from noise x_i: equation (2), with the division that print forgot."""
        self.eval()
        for i in range(self.n_T, 0, -1):
            eps = self.predict(x_i, c, i, guide_w)
            share = (1 - self.alpha_t[i]) / self.sqrt_one_minus_alpha_bar[i]
            z = torch.randn_like(x_i) if i > 1 else 0
            x_i = (x_i - share * eps) / self.alpha_t[i].sqrt() + self.sqrt_beta_t[i] * z
        return x_i


class NoiseStrategyDiffusion(SimpleDiffusion):
    """Of K starting noises, keep the one that best survives the way to its image and back.

    Both ways are DDIM, which adds no fresh noise. The report's listing renoises the image with
    fresh noise, which cannot resemble the noise that it started from: its score is chance.
    """

    def compute_inversion_stability(self, noise, c):
        back = self.inverse_noise(self.sample_from_noise(noise, c), c)
        return F.cosine_similarity(noise.flatten(1), back.flatten(1), dim=1)

    def noise_selection(self, K, c):
        noise = torch.randn(len(c) * K, *SIZE, device=self.device)
        stability = self.compute_inversion_stability(noise, c.repeat_interleave(K)).view(-1, K)
        return noise.view(-1, K, *SIZE)[torch.arange(len(c)), stability.argmax(1)]

    @property
    def grid(self):
        return torch.linspace(0, self.n_T, 21).round().int().unique()  # 20 steps will do

    def sample_from_noise(self, noise, c):
        return self.ddim(noise, c, self.grid.flip(0))

    def inverse_noise(self, x_0, c):
        return self.ddim(x_0, c, self.grid)

    @torch.no_grad()
    def ddim(self, x, c, steps):
        """Guess the noise, take it out, put as much of it back in as the next step has."""
        self.eval()
        for i, j in pairwise(steps.tolist()):
            eps = self.predict(x, c, max(i, j))
            x_0 = (x - self.sqrt_one_minus_alpha_bar[i] * eps) / self.sqrt_alpha_bar[i]
            x = self.sqrt_alpha_bar[j] * x_0 + self.sqrt_one_minus_alpha_bar[j] * eps
        return x


def train(ddpm, loader, minutes, learning_rate):
    """Adam for so many minutes, at a rate that falls to 0; returns the loss of every step."""
    compiled = minutes >= 2 and (shutil.which("g++") or shutil.which("clang++"))
    loss_of = torch.compile(ddpm) if compiled else ddpm  # compiling pays after a minute or two
    optimizer = torch.optim.Adam(ddpm.parameters(), learning_rate)
    ddpm.train()
    start, losses, done = time.monotonic(), [], 0.0
    while done < 1:
        for x, c in loader:
            optimizer.param_groups[0]["lr"] = learning_rate * min(1 - done, (len(losses) + 1) / 100)
            loss = loss_of(x.to(ddpm.device), c.to(ddpm.device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            done = min(1.0, (time.monotonic() - start) / (60 * minutes + 1e-9))
            if len(losses) % 100 == 0:
                mean = sum(losses[-100:]) / 100
                print(f"{done:4.0%}  step {len(losses)}  loss {mean:.4f}", flush=True)
            if done == 1:
                break
    return losses


def picture(images, columns, path):
    """Dark ink on light paper, row by row."""
    rows = images.clamp(-1, 1).cpu().reshape(-1, columns, 28, 28).permute(0, 2, 1, 3)
    paper = Image.fromarray((127.5 * (1 - rows.reshape(-1, columns * 28))).byte().numpy())
    paper.resize((2 * paper.width, 2 * paper.height)).save(path)


def plot(losses, path):
    """The loss over the steps, from 0 to 0.2, a line at every 0.05; means of 20 steps."""
    means = [sum(losses[k : k + 20]) / 20 for k in range(0, len(losses) - 19, 20)] or losses[:1]
    paper = Image.new("L", (600, 240), 255)
    draw = ImageDraw.Draw(paper)
    for k in range(4):
        draw.line([(0, 60 * k + 30), (600, 60 * k + 30)], 200)
        draw.text((4, 60 * k + 18), f"{0.15 - 0.05 * k:.2f}", 120)
    points = [(600 * k / len(means), 210 - 1200 * min(m, 0.2)) for k, m in enumerate(means)]
    draw.line([*points, (600, points[-1][1])], 0, 2)
    paper.save(path)


def generate_samples(ddpm, out, student_id="00297375", K=5):
    """Figure 1: guide_w 0, 0.5 and 2 from the same noise. Then the number, with chosen noise."""
    c = torch.arange(20, device=ddpm.device) % 10
    noise = torch.randn(20, *SIZE, device=ddpm.device)
    bands = [ddpm.sample(noise, c, guide_w) for guide_w in (0.0, 0.5, 2.0)]
    picture(torch.cat(bands), 10, out / "figure1.png")
    c = torch.tensor([int(digit) for digit in student_id], device=ddpm.device)
    picture(ddpm.sample(ddpm.noise_selection(K, c), c, 2.0), len(c), out / "number.png")


def save(ddpm, path):
    """The weights, and beside them what inkseed needs to know of them."""
    network = {"name": "context_unet", "in_channels": 1, "n_feat": ddpm.nn_model.n_feat}
    config = {
        "format": 1,
        "network": {**network, "n_classes": 10},
        "schedule": {"name": "linear_betas", "betas": ddpm.betas, "n_T": ddpm.n_T},
        "prediction": {"name": "eps"},
        "image_size": SIZE[1:],
        "class_names": list("0123456789"),
        "sampling": {"guide_w": 2.0},
        "training": {"recipe": "examples/lab.py", "settings": {"drop_prob": ddpm.drop_prob}},
    }
    weights = {name: tensor.contiguous() for name, tensor in ddpm.nn_model.state_dict().items()}
    save_file(weights, path, {"inkseed": json.dumps(config)})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="of training")
    parser.add_argument("--n-feat", type=int, default=32, help="width; a multiple of 8")
    parser.add_argument("--n-T", type=int, default=100, help="steps of the chain")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--out", type=Path, default=Path("lab"))
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()

    torch.manual_seed(asked.seed)
    asked.out.mkdir(parents=True, exist_ok=True)
    betas = (0.04 / asked.n_T, min(8 / asked.n_T, 0.5))  # as the report's at n_T 400
    network = ContextUnet(n_feat=asked.n_feat)
    ddpm = NoiseStrategyDiffusion(network, betas, asked.n_T, asked.device)
    losses = train(ddpm, create_mnist_dataloaders(asked.batch), asked.minutes, asked.learning_rate)
    plot(losses, asked.out / "loss.png")
    save(ddpm, asked.out / "model.safetensors")
    generate_samples(ddpm, asked.out)
    print(asked.out)
