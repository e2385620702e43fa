"""The lab report in one file, under its own names: python examples/lab.py

Linear betas, a network that predicts eps, the DDPM chain, label dropout, guidance and noise
selection. Ten minutes of training are enough, since the network is small (n_feat 32, where the
report has 128) and the chain short (n_T 100, where it has 400, with larger betas, so that as
little of the image is left). It leaves pictures in lab/, and a model: inkseed write 2026 --out
number.png --model lab/model.safetensors. Needs torch, numpy, pillow, safetensors; not inkseed.
"""

import argparse
import gzip
import itertools
import json
import shutil
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F  # noqa: N812

MNIST = Path(__file__).resolve().parents[1] / "src" / "inkseed" / "data" / "files"
SIZE, BATCH, LEARNING_RATE = (1, 28, 28), 32, 2e-3


def create_mnist_dataloaders(batch_size):  # images (N, 1, 28, 28) in [-1, 1], ink +1; labels (N,)
    pixels = gzip.decompress((MNIST / "train-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((MNIST / "train-labels-idx1-ubyte.gz").read_bytes())[8:]
    x = torch.from_numpy(np.frombuffer(pixels, np.uint8) / np.float32(127.5) - 1)
    c = torch.from_numpy(np.frombuffer(labels, np.uint8).astype(np.int64))
    dataset = torch.utils.data.TensorDataset(x.reshape(-1, *SIZE), c)
    return torch.utils.data.DataLoader(dataset, batch_size, shuffle=True, drop_last=True)


class ResidualConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.same_channels = in_channels == out_channels
        self.conv1 = conv_norm_gelu(in_channels, out_channels)
        self.conv2 = conv_norm_gelu(out_channels, out_channels)

    def forward(self, x):
        x1 = self.conv1(x)
        return ((x if self.same_channels else x1) + self.conv2(x1)) / 1.414  # keeps the variance


class UnetDown(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.model = nn.Sequential(ResidualConvBlock(in_channels, out_channels), nn.MaxPool2d(2))

    def forward(self, x):
        return self.model(x)


class UnetUp(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        blocks = [ResidualConvBlock(out_channels, out_channels) for _ in range(2)]
        self.model = nn.Sequential(nn.ConvTranspose2d(in_channels, out_channels, 2, 2), *blocks)

    def forward(self, x, skip):
        return self.model(torch.cat((x, skip), 1))


def conv_norm_gelu(c_in, c_out):
    return nn.Sequential(nn.Conv2d(c_in, c_out, 3, 1, 1), nn.BatchNorm2d(c_out), nn.GELU())


def EmbedFC(input_dim, emb_dim):
    layers = nn.Linear(input_dim, emb_dim), nn.GELU(), nn.Linear(emb_dim, emb_dim)
    return nn.Sequential(*layers, nn.Unflatten(1, (emb_dim, 1, 1)))


# A U-Net of two levels: labels c and times t = i / n_T scale and shift its decoder's maps.
class ContextUnet(nn.Module):
    def __init__(self, n_feat=256, n_classes=10):
        super().__init__()
        self.n_feat, self.n_classes = n_feat, n_classes
        self.init_conv = ResidualConvBlock(1, n_feat)
        self.down1, self.down2 = UnetDown(n_feat, n_feat), UnetDown(n_feat, 2 * n_feat)
        self.to_vec = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.GELU())
        self.timeembed1, self.timeembed2 = EmbedFC(1, 2 * n_feat), EmbedFC(1, n_feat)
        self.contextembed1 = EmbedFC(n_classes, 2 * n_feat)
        self.contextembed2 = EmbedFC(n_classes, n_feat)
        spread = nn.ConvTranspose2d(2 * n_feat, 2 * n_feat, 7, 7)
        self.up0 = nn.Sequential(spread, nn.GroupNorm(8, 2 * n_feat), nn.ReLU())
        self.up1, self.up2 = UnetUp(4 * n_feat, n_feat), UnetUp(2 * n_feat, n_feat)
        first, last = nn.Conv2d(2 * n_feat, n_feat, 3, 1, 1), nn.Conv2d(n_feat, 1, 3, 1, 1)
        self.out = nn.Sequential(first, nn.GroupNorm(8, n_feat), nn.ReLU(), last)

    def forward(self, x, c, t, context_mask):
        x = self.init_conv(x)
        down1 = self.down1(x)
        down2 = self.down2(down1)
        up0 = self.up0(self.to_vec(down2))
        c, t = F.one_hot(c, self.n_classes).float() * (1 - context_mask)[:, None], t[:, None]
        up1 = self.up1(self.contextembed1(c) * up0 + self.timeembed1(t), down2)
        up2 = self.up2(self.contextembed2(c) * up1 + self.timeembed2(t), down1)
        return self.out(torch.cat((up2, x), 1))


class SimpleDiffusion(nn.Module):
    def __init__(self, nn_model, betas, n_T, device, drop_prob=0.1):
        super().__init__()
        self.nn_model = nn_model.to(device, memory_format=torch.channels_last)
        self.betas, self.n_T, self.device, self.drop_prob = betas, n_T, device, drop_prob
        beta_t = torch.cat((torch.zeros(1), torch.linspace(*betas, n_T)))  # entry i is step i
        self.alpha_t, self.sqrt_beta_t = 1 - beta_t, beta_t.sqrt()
        alpha_bar = self.alpha_t.cumprod(0)  # the report's "alpha_t" of equation (1)
        self.sqrt_alpha_bar = alpha_bar.sqrt()
        self.sqrt_one_minus_alpha_bar = (1 - alpha_bar).sqrt()

    def forward(self, x, c):
        """The loss: the mean squared error of the noise, at a random step of equation (1)."""
        i, noise = torch.randint(1, self.n_T + 1, (len(x),)), torch.randn_like(x)
        tables = self.sqrt_alpha_bar, self.sqrt_one_minus_alpha_bar
        signal, sigma = (table[i].to(x)[:, None, None, None] for table in tables)
        context_mask = (torch.rand(len(x)) < self.drop_prob).to(x)  # 1: the label is hidden
        x_t = signal * x + sigma * noise
        return F.mse_loss(noise, self.nn_model(x_t, c, (i / self.n_T).to(x), context_mask))

    def predict(self, x_i, c, i, guide_w=0.0):  # the noise in x_i at step i, by equation (3)
        t = torch.full((len(x_i),), i / self.n_T, device=x_i.device)
        eps = self.nn_model(x_i, c, t, torch.zeros_like(t))
        if guide_w == 0:
            return eps
        return (1 + guide_w) * eps - guide_w * self.nn_model(x_i, c, t, torch.ones_like(t))

    @torch.no_grad()
    def sample(self, x_i, c, guide_w=0.0):
        """The chain of DDPM from noise x_i: equation (2), with the division missing in print."""
        self.eval()
        for i in range(self.n_T, 0, -1):
            eps = self.predict(x_i, c, i, guide_w)
            share = (1 - self.alpha_t[i]) / self.sqrt_one_minus_alpha_bar[i]
            z = torch.randn_like(x_i) if i > 1 else 0
            x_i = (x_i - share * eps) / self.alpha_t[i].sqrt() + self.sqrt_beta_t[i] * z
        return x_i


class NoiseStrategyDiffusion(SimpleDiffusion):
    """Choose the noise that DDIM's inversion comes closest to. The report's listing is chance."""

    def compute_inversion_stability(self, noise, c):
        back = self.inverse_noise(self.sample_from_noise(noise, c), c)
        return F.cosine_similarity(noise.flatten(1), back.flatten(1), dim=1)

    def noise_selection(self, K, c):
        noise = torch.randn(len(c) * K, *SIZE, device=self.device)
        stability = self.compute_inversion_stability(noise, c.repeat_interleave(K)).view(-1, K)
        return noise.view(-1, K, *SIZE)[torch.arange(len(c)), stability.argmax(1)]

    def sample_from_noise(self, noise, c):
        return self.ddim(noise, c, [k * self.n_T // 20 for k in range(20, -1, -1)])

    def inverse_noise(self, x_0, c):
        return self.ddim(x_0, c, [k * self.n_T // 20 for k in range(21)])

    @torch.no_grad()
    def ddim(self, x, c, steps):
        """Guess the noise, take it out, put as much of it back in as the next step has."""
        self.eval()
        for i, j in itertools.pairwise(steps):
            eps = self.predict(x, c, max(i, j))  # at the noisier end, in both directions
            x_0 = (x - self.sqrt_one_minus_alpha_bar[i] * eps) / self.sqrt_alpha_bar[i]
            x = self.sqrt_alpha_bar[j] * x_0 + self.sqrt_one_minus_alpha_bar[j] * eps
        return x


def train(ddpm, minutes):  # by Adam, at a rate that falls to 0; returns the loss of every step
    loss_of = ddpm
    if minutes >= 5 and (shutil.which("g++") or shutil.which("clang++")):
        torch._dynamo.config.suppress_errors = True  # if it fails, go on without
        loss_of = torch.compile(ddpm)  # costs a minute, then saves a third
    optimizer, loader = torch.optim.Adam(ddpm.parameters()), create_mnist_dataloaders(BATCH)
    batches = (batch for _ in itertools.count() for batch in loader)
    start, losses, done = time.monotonic(), [], 0.0
    while done < 1:
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * min(1 - done, (len(losses) + 1) / 100)
        loss = loss_of(*(each.to(ddpm.device) for each in next(batches)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        done = min(1, (time.monotonic() - start) / (60 * minutes + 1e-9))
        if len(losses) % 100 == 0:
            print(f"{done:4.0%}  step {len(losses)}  loss {sum(losses[-100:]) / 100:.4f}")
    return losses


def picture(images, columns, path):  # dark ink on light paper
    rows = images.clamp(-1, 1).cpu().reshape(-1, columns, 28, 28).permute(0, 2, 1, 3)
    paper = Image.fromarray((127.5 * (1 - rows.reshape(-1, columns * 28))).byte().numpy())
    paper.resize((2 * paper.width, 2 * paper.height)).save(path)


def plot(losses, path):
    """The loss over the steps, from 0 to 0.2, in means of 20."""
    means = [sum(losses[k : k + 20]) / 20 for k in range(0, len(losses) - 19, 20)] or losses * 2
    points = [(600 * k / len(means), 200 - 1000 * min(m, 0.2)) for k, m in enumerate(means)]
    ImageDraw.Draw(paper := Image.new("L", (600, 200), 255)).line(points, 0, 2)
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
    shape = {"in_channels": 1, "n_feat": ddpm.nn_model.n_feat, "n_classes": 10}
    config = {
        "format": 1,
        "network": {"name": "context_unet", **shape},
        "schedule": {"name": "linear_betas", "betas": ddpm.betas, "n_T": ddpm.n_T},
        "image_size": SIZE[1:],
        "class_names": list("0123456789"),
        "sampling": {"guide_w": 2.0},
        "training": {"recipe": "examples/lab.py", "settings": {"drop_prob": ddpm.drop_prob}},
    }  # all that inkseed needs to know of the weights
    weights = ddpm.nn_model.to(memory_format=torch.contiguous_format).state_dict()
    save_file(weights, path, {"inkseed": json.dumps(config)})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="of training")
    parser.add_argument("--n-feat", type=int, default=32, help="width; a multiple of 8")
    parser.add_argument("--n-T", type=int, default=100, help="steps of the chain")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--out", type=Path, default=Path("lab"))
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.manual_seed(asked.seed)
    asked.out.mkdir(parents=True, exist_ok=True)
    betas = (0.04 / asked.n_T, min(8 / asked.n_T, 0.5))  # as the report's at n_T 400
    ddpm = NoiseStrategyDiffusion(ContextUnet(asked.n_feat), betas, asked.n_T, asked.device)
    plot(train(ddpm, asked.minutes), asked.out / "loss.png")
    save(ddpm, asked.out / "model.safetensors")
    generate_samples(ddpm, asked.out)
    print(asked.out)
