"""How this Snakemake was called, for `preflight`, which plans the same run."""

# in front of the names of our rules, where another workflow uses this one as a module
PREFIX = workflow.modifier.modify_rulename("preflight").removesuffix("preflight")


def called_from():
    """The folder in which Snakemake was called: with --directory it has left it by now."""
    here, chosen = workflow.workdir_init, workflow.overwrite_workdir
    if chosen is None:
        return here
    folders = [os.environ.get("PWD", here), *map(str, Path(here).parents)]
    fitting = [folder for folder in folders if os.path.realpath(os.path.join(folder, chosen)) == here]
    return (fitting or folders)[0]


def call_of_snakemake(wildcards):
    """What Snakemake was called with, to plan the same run; SnakemakeCall says what is what."""
    words, asked = sys.argv[1:], workflow.dag_settings.targets
    words = words[: words.index("--")] if "--" in words else [word for word in words if word not in asked]
    ours = {target: PREFIX + target for target in CONFIG.preflight.targets}
    slurm = {name: getattr(workflow.executor_settings, name, None) for name in ("qos", "reservation")}
    return json.dumps(
        {
            "command": [sys.executable, "-P", "-m", "snakemake"],
            "folder": called_from(),
            "options": words,
            "targets": [new if workflow.is_rule(new) else old for old, new in ours.items()],
            "cores": workflow.resource_settings.cores,
            "retries": workflow.execution_settings.retries,
            "executor": workflow.executor_plugin.name,
            "submit_options": [f"--{name}={value}" for name, value in slurm.items() if value],
            "deployment": sorted(map(str, workflow.deployment_settings.deployment_method)),
            "prefix": PREFIX,
        }
    )
