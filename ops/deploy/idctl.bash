# Completion of idctl for bash: source this file, or put it into /usr/share/bash-completion/completions/idctl.
_idctl() {
  local word=${COMP_WORDS[COMP_CWORD]} command="" sub="" i
  local globals="--server --config --as --key --secret --udp --timeout --json --quiet --help"
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      resolve | create | add | modify | remove | delete | list | prefix | import | compare | export | status | show)
        if [ -z "$command" ]; then command=${COMP_WORDS[i]}; elif [ -z "$sub" ]; then sub=${COMP_WORDS[i]}; fi ;;
    esac
  done
  case $command in
    "") COMPREPLY=($(compgen -W "resolve create add modify remove delete list prefix import compare export status $globals" -- "$word")) ;;
    resolve) COMPREPLY=($(compgen -W "--type --index --recursive --no-recursive --authoritative --certify --all-values $globals" -- "$word")) ;;
    create | add) COMPREPLY=($(compgen -W "--value --from --overwrite $globals" -- "$word")) ;;
    modify) COMPREPLY=($(compgen -W "--value --from $globals" -- "$word")) ;;
    remove) COMPREPLY=($(compgen -W "--index $globals" -- "$word")) ;;
    prefix)
      case $sub in
        "") COMPREPLY=($(compgen -W "add import show remove list" -- "$word")) ;;
        add) COMPREPLY=($(compgen -W "--hosted --pointer --site --name --admin --admin-key $globals" -- "$word")) ;;
        import) COMPREPLY=($(compgen -f -- "$word")) ;;
      esac ;;
    import)
      case ${COMP_WORDS[COMP_CWORD - 1]} in
        --on-conflict) COMPREPLY=($(compgen -W "fail skip overwrite" -- "$word")) ;;
        *) COMPREPLY=($(compgen -f -W "--prefix --map --id-column --on-conflict --dry-run --errors --connections $globals" -- "$word")) ;;
      esac ;;
    compare) COMPREPLY=($(compgen -f -W "--every --most $globals" -- "$word")) ;;
    export) COMPREPLY=($(compgen -W "--format $globals" -- "$word")) ;;
    *) COMPREPLY=($(compgen -W "$globals" -- "$word")) ;;
  esac
}
complete -F _idctl idctl
