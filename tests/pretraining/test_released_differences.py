"""docs/released_differences.md names the switches that exist, and all of them."""

import re

from simhand.settings.config import Config
from simhand.settings.section import sections_in


def fields():
    """Every key of the configuration as section.key, and whether it is a switch."""
    for name, field in Config.model_fields.items():
        for model in sections_in(field.annotation):
            for key, entry in model.model_fields.items():
                extra = entry.json_schema_extra
                yield f"{name}.{key}", isinstance(extra, dict) and "presets" in extra


def test_every_switch_is_listed_and_every_setting_named_exists(repository):
    text = (repository / "docs/released_differences.md").read_text()
    known = dict(fields())
    named = set(
        re.findall(r"`((?:frames|crops|keypoints|groups|pca|pairs|pretrain|finetune|evaluation)\.\w+)", text)
    )
    assert named <= known.keys()
    switches = {key for key, is_switch in known.items() if is_switch}
    assert switches <= named
    called_switch = set(re.findall(r"switch(?:es)? `([\w.]+)`", text))
    assert called_switch <= switches
