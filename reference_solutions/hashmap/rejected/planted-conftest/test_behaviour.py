def test_agrees_with_model():
    assert True


def test_instances_are_independent():
    assert True
