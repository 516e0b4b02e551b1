# SPDX-License-Identifier: BSD-2-Clause
"""Completion for bash and zsh: commands, options, choices, templates, files, interfaces, instances."""

import re

LICENCE = "# SPDX-License-Identifier: BSD-2-Clause\n"
MADE = "# Completion of weir(1); made by tools/documents.\n"
FILES, FOLDERS, TEMPLATES, URLS, INTERFACES, INSTANCES, COMMANDS, CONFIGURED = (
    "files", "folders", "templates", "urls", "interfaces", "instances", "commands", "configured")
KINDS = {"FILE": FILES, "DIR": FOLDERS, "URL": URLS, "IFACE": INTERFACES, "INSTANCE": INSTANCES,
         "COMMAND": COMMANDS}


def kinds(argument, name=None):
    """What the argument of an option or a command is, in the words of options.def and commands.def:
    (its kinds, words that may stand there). name: the kind that NAME is there."""
    text = argument.replace("[OPTION...]", "").strip(" []").replace("...", "")
    names = text.replace("[", "").replace("]", "").split("|")
    words = [word for word in names if re.fullmatch("[a-z][a-z0-9_-]*", word)]
    if {"NAME", "FILE"} <= set(names):
        return [TEMPLATES], words
    known = {**KINDS, "NAME": name} if name else KINDS
    return [known[one] for one in names if one in known], words


def of_option(option):
    return kinds(option["argument"], TEMPLATES if option["name"] == "template" else None)


def of_command(command):
    return kinds(command["arguments"], CONFIGURED)


def urls(tables):
    found = ["udp://"]
    for form in tables["forms"]:
        found.append(f"{form['name']}+file:")
        found += [f"{form['name']}+{way}://" for way in form["transports"]]
    return found


def top(tables):
    """Words of the first place: geo, not geo build."""
    return [c["name"] for c in tables["commands"] if " " not in c["name"]]


def options_of(tables, command):
    return [o for o in tables["options"] if command in o["commands"]]


def spellings(option):
    names = [f"--{option['name']}"]
    if option["type"] == "switch":
        names.append(f"--no-{option['name']}")
    return names


def takes_value(option):
    return option["type"] not in ("flag", "switch")


# --- bash ---

BASH_HEAD = """\
_weir_offer() # words, to match what is typed
{
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

# A folder and what its files' names end with: the names before that. compgen expands its words, and
# the folder may be another user's: what the shell would execute is none.
_weir_names()
(
	cd "$1" 2>/dev/null || return
	for name in *"$2"; do
		[[ $name == *[!A-Za-z0-9_@+,:.~-]* ]] || printf '%s\\n' "${name%"$2"}"
	done
)

_weir_add() # a kind: what the machine has of it
{
	local -a more=()
	case $1 in
	files) mapfile -t more < <(compgen -f -- "$cur") ;;
	folders) mapfile -t more < <(compgen -d -- "$cur") ;;
	interfaces) mapfile -t more < <(compgen -W "$(_weir_names /sys/class/net '')" -- "$cur") ;;
	instances) mapfile -t more < <(compgen -W "$(_weir_names /run/weir .sock)" -- "$cur") ;;
	configured) mapfile -t more < <(compgen -W "$(_weir_names /etc/weir .conf)" -- "$cur") ;;
	esac
	COMPREPLY+=("${more[@]}")
	case $1 in files | folders) compopt -o filenames 2>/dev/null ;; esac
}
"""
BASH_TAIL = """\
_weir()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command
	local templates urls commands
	local -i at=$COMP_CWORD

	_weir_tables
	COMPREPLY=()
	# bash splits --option=value, and URLs at their colon.
	if [ "$cur" = = ]; then
		cur=
	elif [ "$cur" = : ]; then
		cur= prev=:
	fi
	if [ "$prev" = = ] && [ $at -ge 2 ]; then
		prev=${COMP_WORDS[at-2]}
	elif [ "$prev" = : ]; then
		case ${COMP_WORDS[at-2]}${COMP_WORDS[at-1]} in
		*+file: | *+file) _weir_add files ;;
		esac
		return
	fi
	if [ $at -eq 1 ]; then
		_weir_offer "$commands --help --version"
		return
	fi
	command=${COMP_WORDS[1]}
	if [ "$command" = geo ] && [ $at -gt 2 ]; then
		command="geo ${COMP_WORDS[2]}"
	fi
	_weir_value && return
	if [[ $cur == -* ]]; then
		_weir_options
	else
		_weir_argument
	fi
}

complete -F _weir weir
"""


# What is written out; the rest the machine is asked for.
BASH_LISTS = {TEMPLATES: "templates", URLS: "urls", COMMANDS: "commands"}


def bash_offer(found, words):
    """The commands of one case."""
    listed = [f"${BASH_LISTS[what]}" for what in found if what in BASH_LISTS]
    line = f'_weir_offer "{" ".join(listed + words)}"'
    if URLS in found:
        return f"{line}; compopt -o nospace 2>/dev/null"
    asked = ["files" if what == TEMPLATES else what for what in found
             if what not in BASH_LISTS or what == TEMPLATES]
    return "; ".join([line, *(f"_weir_add {what}" for what in asked)])


def bash_values(tables):
    """Options of one name may belong to several commands, with other choices."""
    lines = []
    for option in tables["options"]:
        if not takes_value(option):
            continue
        names = [f"--{option['name']}"] + ([f"-{option['letter']}"] if option["letter"] else [])
        cases = " | ".join(f'"{command} {name}"' for command in option["commands"] for name in names)
        lines += [f"\t{cases})", f"\t\t{bash_offer(*of_option(option))}", "\t\t;;"]
    return "\n".join(["_weir_value() # of the option before, where that takes one", "{",
                      '\tcase "$command $prev" in', *lines, "\t*) return 1 ;;", "\tesac", "\treturn 0", "}"])


def bash_per_command(tables, name, body):
    lines = [f'\t"{c["name"]}") {body(c)} ;;' for c in tables["commands"]]
    return "\n".join([f"{name}()", "{", '\tcase "$command" in', *lines, "\tesac", "}"])


def bash(tables):
    def options(command):
        names = [n for o in options_of(tables, command["name"]) for n in spellings(o)]
        return f'_weir_offer "{" ".join(names)}"'

    def arguments(command):
        return bash_offer(*of_command(command))

    names = " ".join(t["name"] for t in tables["templates"])
    lists = "\n".join(["_weir_tables()", "{", f"\ttemplates='{names}'",
                       f"\turls='{' '.join(urls(tables))}'",
                       f"\tcommands='{' '.join(top(tables))}'", "}"])
    return "\n\n".join([LICENCE + MADE + "# shellcheck shell=bash", lists, BASH_HEAD.rstrip(),
                        bash_values(tables),
                        bash_per_command(tables, "_weir_options", options),
                        bash_per_command(tables, "_weir_argument", arguments), BASH_TAIL])


# --- zsh ---

ZSH_KINDS = {FILES: "_files", FOLDERS: "_files -/", TEMPLATES: "_weir_templates", URLS: "_weir_urls",
             INTERFACES: "_net_interfaces", INSTANCES: "_weir_instances", COMMANDS: "_weir_commands",
             CONFIGURED: "_weir_configured"}


def zsh_text(text):
    """In a spec of _arguments, in single quotes."""
    for mark in "\\[]:":
        text = text.replace(mark, "\\" + mark)
    return text.replace("'", "'\\''")


def zsh_action(argument, found, words):
    name = re.sub(r"[^A-Za-z]+", " ", argument).strip().split(" ")[-1].lower() or "value"
    actions = [ZSH_KINDS[what] for what in found]
    if words and not actions:
        return f"{name}:({' '.join(words)})"
    if len(actions) + bool(words) < 2:
        return f"{name}:{actions[0] if actions else ' '}"
    offers = [f"'{what}:{what}:{ZSH_KINDS[what]}'" for what in found]
    if words:
        offers.append(f"'words:word:({' '.join(words)})'")
    # In a word that is itself in quotes.
    return f"{name}:{{_alternative {' '.join(offers)}}}".replace("'", "'\\''")


def zsh_option(option):
    again = "*" if option["type"] == "list" else ""
    short = zsh_text(option["help"].partition(";")[0])
    if len(short) > 90:
        short = short[: short.rindex(" ", 0, 90)] + " ..."
    value = f":{zsh_action(option['argument'], *of_option(option))}" if takes_value(option) else ""
    mark = "=" if value else ""
    specs = [f"'{again}{name}{mark}[{short}]{value}'" for name in spellings(option)]
    if option["letter"]:
        specs.append(f"'{again}-{option['letter']}{'+' if value else ''}[{short}]{value}'")
    return specs


def zsh_command(tables, command):
    specs = [spec for option in options_of(tables, command["name"]) for spec in zsh_option(option)]
    if command["arguments"].replace("[OPTION...]", "").strip():
        star = "*" if "..." in command["arguments"].replace("[OPTION...]", "") else "1"
        text = command["arguments"].replace("[OPTION...]", "")
        specs.append(f"'{star}:{zsh_action(text, *of_command(command))}'")
    name = "_weir_of_" + command["name"].replace(" ", "_")
    joined = " \\\n\t\t".join(specs)
    return f"{name}()\n{{\n\t_arguments -s -S \\\n\t\t{joined}\n}}"


ZSH_MAIN = """\
_weir()
{
	local command

	if (( CURRENT == 2 )); then
		_weir_commands
		return
	fi
	command=$words[2]
	if [[ $command == geo ]] && (( CURRENT == 3 )); then
		compadd build lookup
		return
	elif [[ $command == geo ]]; then
		command=geo_$words[3]
		shift words
		(( CURRENT-- ))
	fi
	shift words
	(( CURRENT-- ))
	(( $+functions[_weir_of_$command] )) && _weir_of_$command
}

_weir "$@"
"""


def zsh(tables):
    described = "\n".join(
        f"\t\t'{c['name']}:{zsh_text(c['summary'])}'" for c in tables["commands"] if " " not in c["name"])
    templates = "\n".join(
        f"\t\t'{t['name']}:{zsh_text(t['purpose'])}'" for t in tables["templates"])
    helpers = f"""\
_weir_commands()
{{
	local -a found=(
{described}
	)
	_describe command found
}}

_weir_templates()
{{
	local -a found=(
{templates}
	)
	_describe template found
	_files
}}

_weir_urls()
{{
	compadd -S '' -- {' '.join(urls(tables))}
}}

_weir_instances()
{{
	compadd -- /run/weir/*.sock(N:t:r)
}}

_weir_configured()
{{
	compadd -- /etc/weir/*.conf(N:t:r)
}}"""
    commands = [zsh_command(tables, c) for c in tables["commands"] if c["name"] != "geo"]
    return "\n\n".join(["#compdef weir\n" + LICENCE + MADE.rstrip(), helpers, *commands, ZSH_MAIN])
