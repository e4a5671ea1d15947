"""The CDK construct makes what the SAM template makes."""

from __future__ import annotations

import unittest
from typing import Any

from templates import from_cdk, from_sam


class Same(unittest.TestCase):
    maxDiff = None

    def test_both_have_the_same_resources(self) -> None:
        self.assertEqual(sorted(from_cdk()), sorted(from_sam()))

    def test_each_resource_has_the_same_properties(self) -> None:
        constructed = from_cdk()
        for name, resource in from_sam().items():
            with self.subTest(name):
                self.assertEqual(differences(constructed[name], resource), [])

    def test_a_difference_is_seen(self) -> None:
        for name, resource in from_sam().items():
            for path in leaves(resource["Properties"]):
                changed = {**resource, "Properties": replaced(resource["Properties"], path)}
                self.assertNotEqual(differences(changed, resource), [], f"{name} {path}")


def differences(found: Any, expected: Any, path: str = "") -> list[str]:
    """Where two values differ."""
    if isinstance(found, dict) and isinstance(expected, dict):
        keys = sorted(found.keys() | expected.keys())
        return [
            line
            for key in keys
            for line in differences(found.get(key, "nothing"), expected.get(key, "nothing"), f"{path}.{key}")
        ]
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        pairs = enumerate(zip(found, expected, strict=True))
        return [line for index, (a, b) in pairs for line in differences(a, b, f"{path}[{index}]")]
    return [] if found == expected else [f"{path}: CDK has {found!r}, the template {expected!r}"]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all single values."""
    if isinstance(value, dict):
        return [leaf for key, each in value.items() for leaf in leaves(each, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, each in enumerate(value) for leaf in leaves(each, (*path, index))]
    return [path]


def replaced(value: Any, path: tuple[Any, ...]) -> Any:
    """The same with another value at a path."""
    if not path:
        return "something else"
    head, *rest = path
    if isinstance(value, dict):
        return {key: replaced(each, tuple(rest)) if key == head else each for key, each in value.items()}
    return [replaced(each, tuple(rest)) if index == head else each for index, each in enumerate(value)]


if __name__ == "__main__":
    unittest.main()
