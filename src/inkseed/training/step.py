"""One step of training on one device: the loss, its gradients, and what they move."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from inkseed.nn.graph import Graphed
from inkseed.training.objective import Drawn, Objective
from inkseed.training.optimizer import Optimizer

AHEAD = 6  # steps that wait for a GPU
MAKERS = 3  # threads that make them: one keeps no fast GPU busy


class SharedStep:
    """Takes the steps of a run that several processes share: each evaluates its part of a batch."""

    def __init__(
        self,
        objective: Objective,
        optimizer: Optimizer,
        max_grad_norm: float,
        engine: Accelerator,
    ) -> None:
        self.objective, self.optimizer = objective, optimizer
        self.max_grad_norm, self.engine = max_grad_norm, engine

    def __call__(self, drawn: Drawn, rate: float) -> float:
        """Learn from a batch, at a learning rate; its loss, the same in every process."""
        share = len(drawn.batch.x) // self.engine.num_processes
        first = self.engine.process_index * share
        drawn = drawn.to(self.optimizer.rate.device)
        loss = self.objective(drawn, slice(first, first + share))
        value = float(self.engine.reduce(loss.detach(), "mean"))  # all stop together, or none
        self.optimizer.zero_grad()
        self.engine.backward(loss)
        _clip(self.optimizer, self.max_grad_norm)
        self.optimizer.at(rate)
        self.optimizer.step()
        return value


class Step:
    """Takes the steps of a run in one process; on a GPU each is one CUDA graph.

    All batches have to be alike in their shapes.
    """

    def __init__(self, objective: Objective, optimizer: Optimizer, max_grad_norm: float) -> None:
        self.objective, self.optimizer = objective, optimizer
        self.max_grad_norm = max_grad_norm
        self._device = optimizer.rate.device
        self._held: Drawn | None = None
        self._loss = torch.zeros((), device=self._device)
        self._graphed: Graphed | None = None

    def __call__(self, drawn: Drawn, rate: float) -> float:
        """Learn from a batch, at a learning rate; its loss."""
        if self._graphed is None or self._held is None:
            self._held = drawn.to(self._device)
            self._graphed = self._begin()
        else:
            for held, new in zip(tensors_in(self._held), tensors_in(drawn), strict=True):
                held.copy_(new, non_blocking=True)
        self.optimizer.at(rate)
        self._graphed()
        return float(self._loss)

    def _begin(self) -> Graphed:
        """The step, ready: what capturing it did to the optimiser's memory is undone."""
        before = {name: each.clone() for name, each in self.optimizer.tensors().items()}
        self.optimizer.at(0.0)
        parameters = self.optimizer.parameters.values()
        graphed = Graphed(self._work, self._device, parameters)
        if graphed.graph is not None:
            for name, each in self.optimizer.tensors().items():
                each.copy_(before[name]) if name in before else each.zero_()
        return graphed

    def _work(self) -> None:
        assert self._held is not None
        loss = self.objective(self._held)
        self._loss.copy_(loss.detach())
        loss.backward()
        _clip(self.optimizer, self.max_grad_norm)
        self.optimizer.step()


@contextmanager
def ahead(
    make: Callable[[int], Drawn], steps: range, device: torch.device
) -> Iterator[Iterator[tuple[int, Drawn]]]:
    """Each step with what it learns from; for a GPU, some are made while it computes."""
    if device.type != "cuda":
        yield ((step, make(step)) for step in steps)
        return
    with ThreadPoolExecutor(MAKERS) as maker:

        def made() -> Iterator[tuple[int, Drawn]]:
            waiting = [maker.submit(make, step) for step in steps[:AHEAD]]
            for step in steps:
                drawn = waiting.pop(0).result()
                if step + AHEAD < steps.stop:
                    waiting.append(maker.submit(make, step + AHEAD))
                yield step, drawn

        try:
            yield made()
        finally:
            maker.shutdown(cancel_futures=True)


def _clip(optimizer: Optimizer, most: float) -> None:
    if most:
        nn.utils.clip_grad_norm_(optimizer.parameters.values(), most)


def tensors_in(value: Any) -> list[Tensor]:
    """All tensors of a tree of dataclasses, in order."""
    if isinstance(value, Tensor):
        return [value]
    if is_dataclass(value):
        return [x for each in fields(value) for x in tensors_in(getattr(value, each.name))]
    return []
