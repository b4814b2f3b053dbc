"""New items on a layout that stays as it is, and layouts of a collection that has grown, on which old items stay about in place."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from waiting import until

import explorer
from explorer import Session
from explorer.errors import InputError
from explorer.reduction.alignment import aligned
from explorer.reduction.placing import averaged, by_projection, firmness, nearest
from explorer.reduction.told import narrowed
from explorer.reduction.umap import UMAP
from explorer.sample import sample
from explorer.step import Progress, find
from explorer.views.pipeline import Pipeline

HELD_OUT = 400
LINEAR = ("pca", "svd", "ica", "lpp")


@pytest.fixture(scope="module")
def digits() -> pd.DataFrame:
    found = pd.read_parquet(sample("digits.parquet"))
    found["id"] = [f"digit-{row:04}" for row in range(len(found))]  # bare row numbers would say nothing of who is who
    return found


@pytest.fixture(scope="module")
def pixels(digits: pd.DataFrame) -> np.ndarray:
    return np.stack(digits["pixels"]).astype(np.float32)


@pytest.fixture(scope="module")
def split(digits: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Rows that are laid out, and rows that come later."""
    order = np.random.default_rng(0).permutation(len(digits))
    return order[HELD_OUT:], order[:HELD_OUT]


@pytest.fixture(scope="module")
def mapped(pixels: np.ndarray, split: tuple[np.ndarray, np.ndarray]) -> Session:
    session = Session(explorer.read(pixels[split[0]]))
    session.extract("vectors")
    session.reduce("umap")
    return session


def told_apart(layout: np.ndarray, known: np.ndarray, places: np.ndarray, wanted: np.ndarray) -> float:
    """Accuracy of the labels that the 15 nearest on the map have."""
    from sklearn.neighbors import KNeighborsClassifier

    return float(KNeighborsClassifier(15).fit(layout, known).score(places, wanted))


# transform


def test_new_digits_come_among_their_like_as_with_umap_learn(
    mapped: Session, digits: pd.DataFrame, pixels: np.ndarray, split: tuple[np.ndarray, np.ndarray]
) -> None:
    old, new = split
    digit = digits["digit"].to_numpy()
    before = mapped.layout.values.tobytes()
    places = mapped.transform(pixels[new])
    assert places.shape == (HELD_OUT, 2)
    assert places.dtype == np.float32
    assert mapped.layout.values.tobytes() == before
    assert mapped.transform(pixels[new]).tobytes() == places.tobytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import umap

        theirs = umap.UMAP(random_state=0)
        layout = theirs.fit_transform(pixels[old])
        reference = told_apart(layout, digit[old], theirs.transform(pixels[new]), digit[new])
    assert told_apart(mapped.layout.values, digit[old], places, digit[new]) > reference - 0.03


def test_the_weights_of_new_items_are_umap_learns(pixels: np.ndarray, split: tuple[np.ndarray, np.ndarray]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)  # its note that TensorFlow is missing
        from umap.umap_ import compute_membership_strengths, smooth_knn_dist

    old, new = split
    rows, distances = nearest(pixels[old], pixels[new], 15, "euclidean", Progress())
    sigmas, rhos = smooth_knn_dist(distances, 15.0, local_connectivity=0.0)
    *_, theirs, _ = compute_membership_strengths(rows.astype(np.int32), distances, sigmas, rhos, bipartite=True)
    assert np.abs(firmness(distances).ravel() - theirs).max() < 1e-3


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "correlation", "manhattan", "chebyshev"])
def test_neighbours_among_the_old_ones_are_the_true_ones(metric: str) -> None:
    from scipy.spatial.distance import cdist

    random = np.random.default_rng(0)
    old, new = random.normal(size=(80, 6)).astype(np.float32), random.normal(size=(7, 6)).astype(np.float32)
    rows, distances = nearest(old, new, 5, metric, Progress())
    apart = cdist(new.astype(float), old.astype(float), "cityblock" if metric == "manhattan" else metric)
    assert (rows == np.argsort(apart, axis=1)[:, :5]).all()
    assert np.allclose(distances, np.sort(apart, axis=1)[:, :5], atol=1e-5)


def test_a_row_without_direction_has_neighbours_too() -> None:
    old, new = np.eye(4, dtype=np.float32), np.zeros((1, 4), np.float32)
    assert np.allclose(nearest(old, new, 2, "cosine", Progress())[1], 1.0)


def test_an_item_that_is_there_already_comes_near_its_place(mapped: Session) -> None:
    some = np.asarray(mapped.features.values[:200])
    far = np.linalg.norm(mapped.transform(some) - mapped.layout.values[:200], axis=1)
    assert np.median(far) < 0.05 * mapped.layout.values.std()


@pytest.mark.parametrize("method", [*LINEAR, "kernel-pca", "isomap", "spectral", "pacmap", "tsne"])
def test_every_layout_takes_new_items(method: str, pixels: np.ndarray, digits: pd.DataFrame) -> None:
    session = Session(explorer.read(pixels[:500]))
    session.extract("vectors")
    session.reduce(method)
    before = session.layout.values.tobytes()
    places = session.transform(pixels[500:600])
    assert np.isfinite(places).all()
    assert session.layout.values.tobytes() == before
    again = session.transform(pixels[:50])
    limit = 1e-3 if method in {*LINEAR, "kernel-pca"} else 0.2
    assert np.median(np.linalg.norm(again - session.layout.values[:50], axis=1)) < limit * session.layout.values.std()
    digit = digits["digit"].to_numpy()
    chance = told_apart(session.layout.values, digit[:500], np.zeros((100, 2)), digit[500:600])
    assert told_apart(session.layout.values, digit[:500], places, digit[500:600]) > chance + 0.1


def test_linear_layouts_are_projected_as_scikit_learn_does(pixels: np.ndarray) -> None:
    from sklearn.decomposition import PCA as Theirs  # noqa: N811

    old, new = pixels[:300], pixels[300:340]
    made = find("reduce", "pca").run(old).values
    theirs = Theirs(2, svd_solver="full").fit(old)
    ours, wanted = by_projection(old, made, new), theirs.transform(new)
    assert ours is not None
    assert np.allclose(np.abs(ours), np.abs(wanted), atol=1e-2)


@pytest.mark.parametrize("method", LINEAR)
def test_between_two_items_is_between_their_places(method: str, pixels: np.ndarray) -> None:
    step = find("reduce", method)
    layout = step.run(pixels[:300]).values
    between = (pixels[:10] + pixels[10:20]) / 2
    made = step.place(pixels[:300], layout, between, Progress())  # type: ignore[attr-defined]  # a reducer
    assert np.allclose(made.values, (layout[:10] + layout[10:20]) / 2, atol=1e-3 * layout.std())


def test_a_third_column_is_found_too(pixels: np.ndarray, digits: pd.DataFrame) -> None:
    session = Session(explorer.read(pixels[:500]))
    session.extract("vectors")
    layout = session.reduce("umap", n_components=3, n_epochs=100)
    whole = np.column_stack([layout.values, layout.arrays["z"]])
    far = np.linalg.norm(session.transform(pixels[:50]) - whole[:50], axis=1)
    assert np.median(far) < 0.2 * whole.std()
    digit = digits["digit"].to_numpy()
    places = session.transform(pixels[500:600])
    chance = told_apart(whole, digit[:500], np.zeros((100, 3)), digit[500:600])
    assert told_apart(whole, digit[:500], places, digit[500:600]) > chance + 0.1


def test_a_projection_in_more_columns_than_rows(pixels: np.ndarray) -> None:
    old, new = pixels[:30], pixels[30:40]
    layout = find("reduce", "pca").run(old).values
    ours = by_projection(old, layout, new)
    assert ours is not None
    assert np.allclose(by_projection(np.vstack([old, old]), np.vstack([layout, layout]), new), ours, atol=1e-2)


def test_what_no_projection_makes_is_not_projected(pixels: np.ndarray) -> None:
    assert by_projection(pixels[:200], UMAP(n_epochs=20).run(pixels[:200]).values, pixels[:3]) is None


def test_after_a_first_stage(pixels: np.ndarray, digits: pd.DataFrame) -> None:
    session = Session(explorer.read(pixels[:600]))
    session.extract("vectors")
    session.reduce("umap", first="pca", first_components=20)
    digit = digits["digit"].to_numpy()
    places = session.transform(pixels[600:800])
    assert told_apart(session.layout.values, digit[:600], places, digit[600:800]) > 0.85


def test_tldr_places_by_its_encoder(pixels: np.ndarray) -> None:
    pytest.importorskip("torch")
    session = Session(explorer.read(pixels[:200]))
    session.extract("vectors")
    session.reduce("tldr", n_epochs=3)
    assert np.abs(session.transform(pixels[:20]) - session.layout.values[:20]).max() < 1e-4 * session.layout.values.std()


def test_a_layout_that_came_with_the_data_takes_new_items_too(pixels: np.ndarray) -> None:
    session = Session(explorer.read({"vectors": pixels[:100], "layout": pixels[:100, 20:22]}, vectors="vectors", layout="layout"))
    session.extract("vectors")
    assert session.layout.method == "given"
    assert np.allclose(session.transform(pixels[:5]), session.layout.values[:5], atol=1e-3)


def test_items_without_features_get_no_place(mapped: Session, pixels: np.ndarray) -> None:
    some = pixels[:4].copy()
    some[1, 3] = np.nan
    some[2] = np.inf
    places = mapped.transform(some)
    assert np.isfinite(places).all(axis=1).tolist() == [True, False, False, True]
    assert np.isnan(mapped.transform(np.full((2, 64), np.nan))).all()
    assert mapped.transform(np.zeros((0, 64))).shape == (0, 2)
    assert np.isfinite(mapped.transform(pixels[:1])).all()


def test_what_does_not_fit_is_said_in_a_sentence(mapped: Session, pixels: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"have 5 columns and the features that the layout was made from 64"):
        mapped.transform(pixels[:3, :5])
    fresh = Session(explorer.read(pixels[:50]))
    with pytest.raises(InputError, match=r"no layout to place new items on; first call session\.extract"):
        fresh.transform(pixels[:3])
    fresh.extract("vectors")
    fresh.reduce("pca")
    fresh.extract("vectors", normalize=True)
    with pytest.raises(InputError, match="made from other features"):
        fresh.transform(pixels[:3])


def table(rows: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    kind = random.integers(0, 2, rows)
    sizes, weights = random.normal(kind * 50, 1.0), random.normal(kind * 9, 1.0)
    return pd.DataFrame({"size": sizes, "weight": weights, "colour": np.array(["red", "blue"])[kind]})


def test_a_table_is_scaled_as_the_first_one_was() -> None:
    old, new = table(300, 0), table(20, 1)
    new.loc[:, ["size", "weight"]] = [50.0, 9.0]  # alike, so that a scale of their own would say nothing
    new["colour"] = "blue"
    session = Session(explorer.read(old))
    session.extract("columns")
    session.reduce("pca")
    places = session.transform(new)
    middles = [session.layout.values[(old["colour"] == colour).to_numpy()].mean(axis=0) for colour in ("red", "blue")]
    far = [np.linalg.norm(places - middle, axis=1).max() for middle in middles]
    assert far[1] < 0.2 * far[0]
    with pytest.raises(InputError, match=r"no column 'weight', which the features need \(columns are size, colour\)"):
        session.transform(new.drop(columns="weight"))
    with pytest.raises(InputError, match=r"column 'size' holds .*, and the dataset's double"):
        session.transform(new.assign(size=["much", "more"] * 10))


def test_texts_are_placed_beside_texts_of_their_kind() -> None:
    words = {"sea": "whale wave ship salt harbour sail", "wood": "oak fox moss pine fern owl"}
    random = np.random.default_rng(0)

    def texts(kind: str, n: int) -> list[str]:
        return [" ".join(random.choice(words[kind].split(), 4)) for _ in range(n)]

    session = Session(explorer.read(pd.DataFrame({"body": texts("sea", 40) + texts("wood", 40)}), text="body"))
    session.extract("lsa")
    session.reduce("umap", n_epochs=100)
    places = session.transform(explorer.read(pd.DataFrame({"body": texts("wood", 6)}), text="body"))
    sea, wood = session.layout.values[:40].mean(axis=0), session.layout.values[40:].mean(axis=0)
    assert (np.linalg.norm(places - wood, axis=1) < np.linalg.norm(places - sea, axis=1)).all()


def test_of_texts_taken_one_by_one_only_the_new_ones_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.features import characters

    old = explorer.read(pd.DataFrame({"body": [f"word{row % 7} and {row}" for row in range(60)]}), text="body")
    session = Session(old)
    session.extract("characters")
    session.reduce("pca")
    seen: list[int] = []
    before = characters.Characters.apply

    def apply(self: Any, data: Any, progress: Progress) -> Any:
        seen.append(len(data))
        return before(self, data, progress)

    monkeypatch.setattr(characters.Characters, "apply", apply)
    new = explorer.read(pd.DataFrame({"body": ["word1 and 1", "word2 and 9", "word3 and 3"]}), text="body")
    places = session.transform(new)
    assert np.allclose(places[0], session.layout.values[1], atol=1e-3)
    assert seen == [3]


def test_places_are_weighted_means() -> None:
    layout = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]], np.float32)
    weights = np.array([[0.5, 0.25, 0.25], [1.0, 0.9, 0.1]], np.float32)
    made = averaged(np.array([[0, 1, 2], [1, 0, 2]]), weights, layout)
    assert made.tolist() == [[1.0, 1.0], [4.0, 0.0]]  # one at distance 0 is where that one is


# What is told beside the vectors


def test_what_is_told_follows_its_rows() -> None:
    valid = np.array([True, False, True, True, True])
    back = np.array([0, 1, 0, 1])
    assert narrowed(np.array([3, 9, 4, 3, -1], np.int32), valid, back).tolist() == [3, 4]
    assert narrowed(np.array([3, 9, 4, 5, 4], np.int32), valid, back).tolist() == [-1, 4]
    places = np.array([[np.nan, 1], [9, 9], [2, 2], [3, 3], [4, 4]], np.float32)
    assert narrowed(places, valid, back).tolist() == [[3, 3], [2, 2]]
    assert narrowed(places, valid, None)[1:].tolist() == [[2, 2], [3, 3], [4, 4]]


# A collection that has grown


def some(digits: pd.DataFrame, rows: Any) -> explorer.Dataset:
    return explorer.read(digits.iloc[rows], id="id", vectors="pixels")


@pytest.fixture(scope="module")
def grown(digits: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, Session, Path]:
    """The layout of 1,000 digits, and a session of all in the same workspace."""
    place = tmp_path_factory.mktemp("grown") / "w"
    first = Session(some(digits, slice(0, 1000)), workspace=place)
    first.extract("vectors")
    before = np.array(first.reduce("umap").values)
    first.workspace.close()
    session = Session(some(digits, slice(None)), workspace=place)
    session.extract("vectors")
    return before, session, place


def test_old_items_stay_where_people_know_them(grown: tuple[np.ndarray, Session, Path]) -> None:
    from sklearn.manifold import trustworthiness

    before, session, _ = grown
    fresh = session.reduce("umap", random_state=1)
    size = np.sqrt(((before - before.mean(axis=0)) ** 2).sum(axis=1).mean())
    usual = np.linalg.norm(aligned(before, fresh.values[:1000]) - before, axis=1).mean() / size
    made = session.refit(random_state=1)
    moved = made.arrays["moved"]
    assert np.isnan(moved[1000:]).all()
    assert np.isfinite(moved[:1000]).all()
    by_hand = np.linalg.norm(made.values[:1000] - before, axis=1) / size
    assert np.allclose(moved[:1000], by_hand, atol=1e-3)
    assert moved[:1000].mean() < usual / 3
    note = f"the 1,000 earlier items moved {moved[:1000].mean():.1%} of the map's size on average"
    assert any(said.startswith(note) for said in made.notes)
    vectors = session.features.values
    scores = [trustworthiness(vectors, one.values, n_neighbors=15) for one in (fresh, made)]
    assert scores[1] > scores[0] - 0.02


def test_the_same_again_gives_the_same_bytes(grown: tuple[np.ndarray, Session, Path]) -> None:
    _, session, _ = grown
    made = session.refit()
    step = find("reduce", "umap", **made.settings)
    earlier = session.workspace.earlier()
    assert earlier is not None
    step.beside = {"earlier": earlier.places(session.dataset)}
    again = step.run(session.features.values, fingerprint=session.features.key)
    assert again.key == made.key
    assert again.values.tobytes() == np.asarray(made.values).tobytes()
    session.reduce("pca")  # another layout between does not change what it starts from
    assert session.refit().key == made.key


def test_a_child_process_gives_the_same(grown: tuple[np.ndarray, Session, Path]) -> None:
    _, session, _ = grown
    settings = {"keep": True, "n_epochs": 60, "random_state": 5}
    job = session.start(session.step("reduce", "umap", **settings)).wait(120)
    asked = [Path(place) for place in job.request["beside"].values()]
    made = session.finish(job)
    assert not any(place.exists() for place in asked)
    here = find("reduce", "umap", **settings)
    earlier = session.workspace.earlier()
    assert earlier is not None
    here.beside = {"earlier": earlier.places(session.dataset)}
    assert here.run(session.features.values).values.tobytes() == np.asarray(made.values).tobytes()


def test_the_settings_of_the_earlier_layout_hold(digits: pd.DataFrame, tmp_path: Path) -> None:
    first = Session(some(digits, slice(0, 300)), workspace=tmp_path / "w")
    first.extract("vectors")
    key = first.reduce("umap", n_neighbors=9, n_epochs=40).key
    first.workspace.close()
    later = Session(some(digits, slice(50, 400)), workspace=tmp_path / "w")  # some have gone, too
    assert later.layout is None
    earlier = later.workspace.earlier()
    assert earlier is not None
    assert earlier.layout.key == key
    assert np.isfinite(earlier.places(later.dataset)).all(axis=1).sum() == 250
    later.extract("vectors")
    made = later.refit(min_dist=0.3)
    assert (made.settings["n_neighbors"], made.settings["min_dist"], made.settings["keep"]) == (9, 0.3, True)
    assert np.isfinite(made.arrays["moved"]).sum() == 250


def test_the_page_offers_to_start_from_the_earlier_map(digits: pd.DataFrame, tmp_path: Path) -> None:
    first = Session(some(digits, slice(0, 300)), workspace=tmp_path / "w")
    first.extract("vectors")
    first.reduce("umap", n_neighbors=9, n_epochs=40)
    assert not Pipeline(first, {}, lambda kind: None).describe("reduce")["grown"], "there is none"
    first.workspace.close()
    later = Session(some(digits, slice(50, 400)), workspace=tmp_path / "w")
    later.extract("vectors")
    pipeline = Pipeline(later, {}, lambda kind: None)
    assert not pipeline.describe("reduce")["grown"], "there is no layout that could be another one"
    later.reduce("pca")
    until(lambda: pipeline.describe("reduce")["grown"], "what is looked up in a thread")
    assert pipeline.describe("reduce")["grown"] == "250 of 350 were on an earlier map"
    assert not pipeline.moving
    pipeline.refit()
    until(lambda: pipeline.poll() or not pipeline.busy, "the layout", 120)
    assert later.layout is not None
    assert (later.layout.settings["keep"], later.layout.settings["n_neighbors"]) == (True, 9)
    assert pipeline.describe("reduce")["settings"]["keep"] is True
    assert not pipeline.describe("reduce")["grown"], "it is what is shown"


def test_it_may_begin_at_another_methods_layout(digits: pd.DataFrame, tmp_path: Path) -> None:
    first = Session(some(digits, slice(0, 300)), workspace=tmp_path / "w")
    first.extract("vectors")
    scale = np.abs(first.reduce("pca").values).max()
    first.workspace.close()
    later = Session(some(digits, slice(0, 400)), workspace=tmp_path / "w")
    later.extract("vectors")
    made = later.refit(n_epochs=60)
    assert 0.2 * scale < np.abs(made.values).max() < 5 * scale


def test_without_an_earlier_layout(pixels: np.ndarray, digits: pd.DataFrame, tmp_path: Path) -> None:
    session = Session(some(digits, slice(0, 200)), workspace=tmp_path / "w")
    session.extract("vectors")
    with pytest.raises(InputError, match="no earlier layout of these items to start from"):
        session.refit()
    made = session.reduce("umap", keep=True, n_epochs=30)
    assert "keep: there is no layout from before the collection changed, so this one starts anew" in made.notes
    assert made.values.tobytes() == session.reduce("umap", n_epochs=30).values.tobytes()
    assert "moved" not in made.arrays


def test_a_new_group_gets_a_place_of_its_own() -> None:
    random = np.random.default_rng(0)
    old, new = random.normal(size=(200, 8)), random.normal(size=(60, 8)) + 40
    step = UMAP(n_epochs=90)
    before = step.run(old.astype(np.float32)).values
    both = np.vstack([old, new]).astype(np.float32)
    kept = UMAP(n_epochs=90, keep=True)
    kept.beside = {"earlier": np.vstack([before, np.full((60, 2), np.nan)]).astype(np.float32)}
    made = kept.run(both).values
    gap = np.linalg.norm(made[200:, None] - made[None, :200], axis=2).min()
    assert made[200:].std(axis=0).max() < made[:200].std(axis=0).min()  # together, though they began anywhere
    assert gap > made[:200].std()  # and not amid the others


@pytest.mark.parametrize("size", [1e-4, 1e6])
def test_a_map_of_any_size_is_grown_at_umaps(size: float) -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(150, 6)).astype(np.float32)
    before = UMAP(n_epochs=50).run(rows[:100]).values
    made = []
    for unit in (1.0, size):
        step = UMAP(n_epochs=50, keep=True)
        step.beside = {"earlier": np.vstack([before * unit, np.full((50, 2), np.nan)]).astype(np.float32)}
        made.append(step.run(rows))
    assert np.abs(made[1].values).max() < 3 * size * np.abs(made[0].values).max()
    moved = [np.nanmean(one.arrays["moved"]) for one in made]
    assert 0.5 < moved[1] / moved[0] < 2


def test_what_is_remembered_can_be_lost(grown: tuple[np.ndarray, Session, Path], digits: pd.DataFrame, tmp_path: Path) -> None:
    first = Session(some(digits, slice(0, 100)), workspace=tmp_path / "w")
    first.extract("vectors")
    first.reduce("pca")
    first.workspace.close()
    later = Session(some(digits, slice(0, 150)), workspace=tmp_path / "w")
    assert later.workspace.earlier() is not None
    for place in (tmp_path / "w" / "ids").iterdir():
        place.write_bytes(b"damaged")
    assert later.workspace.earlier() is None
    (tmp_path / "w" / "current.json").write_text("{")
    assert later.workspace.earlier() is None
    later.extract("vectors")
    later.reduce("pca")


def test_a_session_in_memory_writes_no_ids(pixels: np.ndarray) -> None:
    session = Session(explorer.read(pixels[:50]))
    session.extract("vectors")
    session.reduce("pca")
    assert not (session.workspace.folder / "ids").exists()
