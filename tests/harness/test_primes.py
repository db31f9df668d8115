"""Primes that are drawn are primes."""

from random import Random

import pytest

from harness.primes import draw_prime, is_prime


def test_primes_are_told_from_other_numbers() -> None:
    found = [number for number in range(5, 2_000, 2) if is_prime(number, Random(number))]
    assert found == [number for number in range(5, 2_000, 2) if all(number % other for other in range(2, number))]


@pytest.mark.parametrize("bits", [60, 192])
def test_primes_are_prime(bits: int) -> None:
    rng = Random(1)
    for _ in range(20):
        prime = draw_prime(rng, bits)
        assert prime.bit_length() == bits
        assert all(prime % divisor for divisor in range(2, 10_000))
        assert all(pow(rng.randrange(2, prime), prime - 1, prime) == 1 for _ in range(40))


def test_a_product_of_two_has_all_its_bits() -> None:
    rng = Random(2)
    assert {(draw_prime(rng, 60) * draw_prime(rng, 60)).bit_length() for _ in range(20)} == {120}
