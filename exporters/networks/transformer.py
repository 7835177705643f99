"""The Transformer's encoder: self-attention and feed-forward layers, each added and normalized.

Vaswani et al., NeurIPS 2017, arXiv:1706.03762, figure 1 (left) and Table 3 (base). It takes embedded tokens, so the
embedding and its position code are not part of it.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from exporters.networks.registry import Number, network

LAYERS, WIDTH, HEADS, FEED_FORWARD = 6, 512, 8, 2048


class EncoderLayer(nn.Module):
    """Multi-head self-attention, then two linear layers; each added to its input, then normalized."""

    def __init__(self) -> None:
        super().__init__()
        self.query_key_value = nn.Linear(WIDTH, 3 * WIDTH)
        self.join = nn.Linear(WIDTH, WIDTH)
        self.widen = nn.Linear(WIDTH, FEED_FORWARD)
        self.narrow = nn.Linear(FEED_FORWARD, WIDTH)
        self.norm_attention = nn.LayerNorm(WIDTH)
        self.norm_feed_forward = nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm_attention(x + self.attend(x))
        return self.norm_feed_forward(x + self.narrow(F.relu(self.widen(x))))

    def attend(self, x: Tensor) -> Tensor:
        """Each token's mean of all values, weighted by how its query meets their keys; section 3.2."""
        batch, tokens, _ = x.shape
        each = WIDTH // HEADS
        query, key, value = (
            part.reshape(batch, tokens, HEADS, each).transpose(1, 2) for part in self.query_key_value(x).chunk(3, -1)
        )
        weights = ((query * each**-0.5) @ key.transpose(2, 3)).softmax(-1)
        joined: Tensor = self.join((weights @ value).transpose(1, 2).reshape(batch, tokens, WIDTH))
        return joined


@network(
    "transformer_encoder",
    family="transformer",
    input_size=128,
    suffixes={"seq": Number("tokens", 1, 2048)},
    variants=dict.fromkeys(("seq32", "seq512")),
    input_shape=lambda tokens: (tokens, WIDTH),
)
def transformer_encoder() -> nn.Module:
    """The base model's encoder; the sequence length is that of its input."""
    return nn.Sequential(*(EncoderLayer() for _ in range(LAYERS)))
