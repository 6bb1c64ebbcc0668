"""Where the user's files are."""

from pyscap.folders import cache_folder, config_path


def test_path_follows_the_xdg_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_path() == tmp_path / "pyscap" / "config.toml"


def test_path_is_never_relative(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", ".", "x/y"):
        monkeypatch.setenv("XDG_CONFIG_HOME", value)
        assert config_path() == tmp_path / ".config" / "pyscap" / "config.toml"


def test_a_folder_of_the_cache_is_made_and_closed_to_others(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = cache_folder("plans")
    assert folder == tmp_path / "pyscap" / "plans"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_can_write_is_not_trusted(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "pyscap" / "plans"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    assert cache_folder("plans") is None
    folder.rmdir()
    folder.symlink_to(tmp_path)
    assert cache_folder("plans") is None
