"""What the doctor says of good, poor and hopeless machines."""

from dataclasses import replace

import pytest

from grader.doctor import Diagnosis, EngineReadings, Health, Readings, diagnose, take_readings
from harness.machine import Machine

ENGINE = EngineReadings(
    version="28.0",
    cores=8,
    memory_mb=16_000,
    can_pin=True,
    can_limit_memory=True,
    can_limit_pids=True,
    image_fault=None,
)
MACHINE = Machine("A CPU", 8, 16_000, "Linux 6", "CPython 3.12", governor="performance", load_after=0.5)
HEALTHY = Readings((3, 12, 1), MACHINE, 8, ENGINE, "takehome:dev", 50_000)


def found(readings: Readings) -> dict[str, Diagnosis]:
    return {diagnosis.name: diagnosis for diagnosis in diagnose(readings)}


def test_a_good_machine_is_fine_in_every_respect():
    diagnoses = diagnose(HEALTHY)
    assert {diagnosis.health for diagnosis in diagnoses} == {Health.OK}
    assert {diagnosis.advice for diagnosis in diagnoses} == {""}


@pytest.mark.parametrize(
    ("readings", "name", "health"),
    [
        (replace(HEALTHY, python=(3, 10, 4)), "python", Health.MISSING),
        (replace(HEALTHY, engine="no Docker engine answers"), "docker", Health.MISSING),
        (replace(HEALTHY, engine=replace(ENGINE, image_fault="no image")), "image", Health.MISSING),
        (replace(HEALTHY, engine=replace(ENGINE, can_pin=False)), "cpuset", Health.MISSING),
        (replace(HEALTHY, engine=replace(ENGINE, can_limit_memory=False)), "memory limit", Health.MISSING),
        (replace(HEALTHY, engine=replace(ENGINE, can_limit_pids=False)), "pids limit", Health.MISSING),
        (replace(HEALTHY, engine=replace(ENGINE, cores=1)), "cores", Health.RISK),
        (replace(HEALTHY, engine=replace(ENGINE, memory_mb=1_000)), "memory", Health.RISK),
        (replace(HEALTHY, machine=replace(MACHINE, load_after=7.0)), "load", Health.RISK),
        (replace(HEALTHY, machine=replace(MACHINE, governor="powersave")), "governor", Health.RISK),
        (replace(HEALTHY, free_disk_mb=10), "disk", Health.MISSING),
    ],
)
def test_each_lack_is_found_alone_and_comes_with_advice(readings, name, health):
    diagnoses = found(readings)
    assert diagnoses[name].health is health
    assert diagnoses[name].advice
    assert [other for other, one in diagnoses.items() if one.health is not Health.OK] == [name]


def test_what_the_system_does_not_tell_is_no_lack():
    silent = replace(HEALTHY, machine=replace(MACHINE, governor=None, load_after=None))
    assert {diagnosis.health for diagnosis in diagnose(silent)} == {Health.OK}


def test_without_an_engine_this_machines_own_cores_and_memory_count():
    alone = replace(HEALTHY, engine="none", usable_cores=1, machine=replace(MACHINE, memory_mb=512))
    assert found(alone)["cores"].health is Health.RISK
    assert found(alone)["memory"].health is Health.RISK


def test_an_engine_that_cannot_be_reached_is_a_reading_not_an_error(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    readings = take_readings("takehome:dev")
    assert isinstance(readings.engine, str)
    assert found(readings)["docker"].health is Health.MISSING
