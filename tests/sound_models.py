"""Sounds and small, untrained networks of sound, made here: real components, nothing fetched."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import numpy as np


def wav(samples: np.ndarray, rate: int = 16_000, subtype: str = "FLOAT") -> bytes:
    """The bytes of a WAV file."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, samples, rate, subtype=subtype, format="WAV")
    return file.getvalue()


def tone(hertz: float, seconds: float = 1.0, rate: int = 16_000, loudness: float = 0.5) -> np.ndarray:
    """``(t,)`` float32."""
    return (loudness * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@cache
def wav2vec2(folder: Path) -> Path:
    """A wav2vec2 of two layers: 24 features."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

    torch.manual_seed(0)
    config = Wav2Vec2Config(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, conv_dim=(16, 16), conv_stride=(10, 8),
        conv_kernel=(20, 8), num_feat_extract_layers=2, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4,
    )  # fmt: skip
    return saved(folder / "wav2vec2", Wav2Vec2Model(config), Wav2Vec2FeatureExtractor(do_normalize=True))


@cache
def clap(folder: Path, truncation: str = "rand_trunc") -> Path:
    """A CLAP of few channels that hears a second at 8 kHz: 20 features."""
    import torch
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

    torch.manual_seed(0)
    audio = {
        "patch_embeds_hidden_size": 8, "hidden_size": 16, "depths": [1, 1], "num_attention_heads": [2, 2], "spec_size": 64,
        "num_mel_bins": 16, "window_size": 4, "num_hidden_layers": 2, "enable_fusion": truncation == "fusion",
    }  # fmt: skip
    text = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 50}
    config = ClapConfig(text_config=text, audio_config=audio, projection_dim=20)
    extractor = ClapFeatureExtractor(
        feature_size=16, sampling_rate=8_000, hop_length=40, max_length_s=1, fft_window_size=256, frequency_max=4_000,
        truncation=truncation,
    )  # fmt: skip
    return saved(folder / f"clap-{truncation}", ClapModel(config), extractor)


@cache
def whisper(folder: Path) -> Path:
    """A Whisper that hears a second: 16 features."""
    import torch
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperModel

    torch.manual_seed(0)
    config = WhisperConfig(
        d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=16,
        decoder_ffn_dim=16, num_mel_bins=16, max_source_positions=50, vocab_size=60, pad_token_id=0, bos_token_id=1, eos_token_id=2,
        decoder_start_token_id=1,
    )  # fmt: skip
    return saved(folder / "whisper", WhisperModel(config), WhisperFeatureExtractor(feature_size=16, chunk_length=1))


@cache
def ast(folder: Path) -> Path:
    """An audio spectrogram transformer of 64 rows, about 0.6 seconds: 16 features."""
    import torch
    from transformers import ASTConfig, ASTFeatureExtractor, ASTModel

    torch.manual_seed(0)
    config = ASTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, num_mel_bins=16, max_length=64,
        patch_size=8,
    )  # fmt: skip
    return saved(folder / "ast", ASTModel(config), ASTFeatureExtractor(num_mel_bins=16, max_length=64))


def saved(folder: Path, *parts: object) -> Path:
    """Each part's own files, in one folder."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    for part in parts:
        part.save_pretrained(folder)  # type: ignore[attr-defined]
    return folder
