"""LMArena's text leaderboard, raw and with style control, from its official data set.

The set drops retired names from every date, so older boards are never taken from it: only boards after the newest held.
Scores of two dates compare only on one scale. A scale that was moved shows as a shift of the models that both dates
hold; beyond the tolerance the board is refused until someone gives its scale a name.
"""

import pandas as pd

from helpers.sources import formats
from helpers.sources.feeds import Pulled, Stopped, tolerances

COLUMNS = ("model_name", "organization", "license", "rating", "rating_lower", "rating_upper", "variance", "vote_count")
COLUMNS += ("rank", "category", "leaderboard_publish_date")
SUBSETS = {"text": "0", "text_style_control": "1"}


def pull(ask, held, today):
    """Read both subsets into arena_boards, arena_scores and, for models new to the Arena, models."""
    boards, scores, models = held("arena_boards"), held("arena_scores"), held("models")
    parts = [_subset(name, style, ask(name), boards, scores) for name, style in SUBSETS.items()]
    boards_new, scores_new = (pd.concat(part, ignore_index=True) for part in zip(*parts, strict=True))
    return [
        Pulled("models", _models(scores_new, models, scores)),
        Pulled("arena_boards", boards_new),
        Pulled("arena_scores", scores_new),
    ]


def _subset(name, style, content, boards, scores):
    rows = formats.parquet(name, content)
    formats.expect(name, rows.columns, COLUMNS)
    rows = rows[rows.category == "overall"].sort_values(["leaderboard_publish_date", "model_name"])
    if rows.empty:
        raise Stopped(f"{name}: no rows of category overall")
    mine = boards[boards.style_control == style]
    last = mine.board_date.max()
    before = (
        scores[(scores.style_control == style) & (scores.board_date == last)].set_index("arena_key").score.astype(float)
    )
    regime = mine.set_index("board_date").scale_regime[last]
    open_by_licence = scores[scores.open_weights != ""].drop_duplicates("license", keep="last")
    is_open = dict(zip(open_by_licence.license, open_by_licence.open_weights, strict=True))
    found_boards, found = [], []
    for day, board in rows[rows.leaderboard_publish_date >= last].groupby("leaderboard_publish_date"):
        day = formats.day(name, day)
        _same_scale(name, day, before, board.set_index("model_name").rating, last)
        found.append(
            pd.DataFrame(
                {
                    "board_date": day,
                    "style_control": style,
                    "arena_key": board.model_name,
                    "score": board.rating.map("{:.2f}".format),
                    "score_low": board.rating_lower.map(_figure),
                    "score_high": board.rating_upper.map(_figure),
                    "votes": board.vote_count.map(lambda votes: "" if pd.isna(votes) else f"{votes:.0f}"),
                    "organization": board.organization.fillna(""),
                    "license": board.license.fillna(""),
                    "open_weights": board.license.map(is_open).fillna(""),
                }
            )
        )
        about = {"date_basis": "stated", "membership": "current models only"}
        source = f"LMArena, lmarena-ai/leaderboard-dataset, {name}"
        found_boards.append(
            {"board_date": day, "style_control": style, "scale_regime": regime, "source": source} | about
        )
    names = ["board_date", "style_control", "scale_regime", "date_basis", "membership", "source"]
    empty = pd.DataFrame(columns=["board_date", "style_control", "arena_key", "score"])
    taken = pd.concat(found, ignore_index=True) if found else empty
    # a board that is held was gathered under other names of its models, so only the same ones are compared
    return _held_or_new(pd.DataFrame(found_boards, columns=names), boards, taken, scores, last)


def _held_or_new(found_boards, boards, found, scores, last):
    known = set(scores[scores.board_date == last].arena_key)
    keep = (found.board_date > last) | found.arena_key.isin(known)
    return found_boards[found_boards.board_date > last], found[keep]


def _figure(value):
    return "" if pd.isna(value) else f"{value:.2f}"


def _same_scale(name, day, before, after, last):
    both = before.index.intersection(after.index)
    if both.empty:
        raise Stopped(
            f"{name}: the board of {day} has no model in common with that of {last}, so its scale cannot be told"
        )
    shift = (after[both] - before[both]).median()
    most = next(limit.most for limit in tolerances("arena", "arena_scores") if limit.column == "score")
    if abs(shift) > most:
        raise Stopped(
            f"{name}: the {len(both)} models on the boards of {last} and {day} shift by {shift:+.1f} points, more than "
            f"{most:g}: a new scale; give it a name in scale_regime of data/columns.csv before it is taken"
        )


def _models(found, models, scores):
    """Rows for models that the crosswalk lacks: known by their first board, licence as held for the same words."""
    new = (
        found[~found.arena_key.isin(models.arena_key)]
        .sort_values("board_date", kind="stable")
        .drop_duplicates("arena_key")
    )
    classes = (
        models[models.licence_class != ""].drop_duplicates("licence", keep="last").set_index("licence").licence_class
    )
    developers = scores[["arena_key", "organization"]].merge(models[["arena_key", "developer"]], on="arena_key")
    developers["organization"] = developers.organization.str.casefold()
    developer = developers.drop_duplicates("organization", keep="last").set_index("organization").developer
    return pd.DataFrame(
        {
            "arena_key": new.arena_key,
            "name": new.arena_key,
            "developer": new.organization.str.casefold().map(developer).fillna(new.organization),
            "release_date": new.board_date,
            "release_date_basis": "PROXY: first seen on the Arena",
            "release_is_proxy": "1",
            "first_arena_date": new.board_date,
            "licence": new.license,
            "licence_class": new.license.map(classes).fillna(""),
            "open_weights": new.open_weights,
            "in_note": "0",
        }
    )
