#!/usr/bin/env bash
# The paper's three students in miniature, from nothing but text: two teachers with tokenizers of their own, cased and uncased,
# masked-LM students of one, of the other, of both, and of none, and what each is worth in tasks.
#
#   bash examples/three_students.sh TEXT DATA OUTPUT small   # some minutes of two cores
#   bash examples/three_students.sh TEXT DATA OUTPUT large   # teachers of 12 layers, 384 wide, in bf16: a GPU, in runs of ten minutes
#   bash examples/three_students.sh TEXT synthetic OUTPUT trial   # whether it runs
#
# TEXT: a text file or a folder of them; DATA: the folder of the tasks' data sets. What is finished is kept: the same command
# goes on wherever it was stopped. All values are our choice.
set -euo pipefail
if [ $# != 4 ] || [ ! -e "$1" ]; then
    echo "Usage: $0 TEXT DATA OUTPUT small|large|trial; TEXT is a file or folder that is there." >&2
    exit 2
fi
examples=$(realpath "$(dirname "$0")")
text=$(realpath "$1") data=$2
[ ! -e "$data" ] || data=$(realpath "$data")

case $4 in
small)
    teacher="--layers 4 --hidden_size 128 --max_length 64 --max_steps 1500 --per_device_train_batch_size 16
        --learning_rate 3e-3 --warmup_steps 100 --use_cpu true"
    student="--student_layers 2 --max_length 64 --max_steps 500 --per_device_train_batch_size 16 --learning_rate 3e-3
        --warmup_steps 50 --use_cpu true"
    cased=8000 uncased=6000 megabytes="--megabytes 5" tasks="--use_cpu true"
    ;;
large)
    teacher="--layers 12 --hidden_size 384 --max_length 128 --max_steps 20000 --per_device_train_batch_size 256
        --learning_rate 1e-3 --warmup_steps 1000 --bf16 true"
    student="--student_layers 6 --max_length 128 --max_steps 10000 --per_device_train_batch_size 256 --learning_rate 1e-3
        --warmup_steps 500 --bf16 true"
    cased=32000 uncased=32000 megabytes="" tasks="--learning_rate 2e-4 --bf16 true"
    ;;
trial)
    teacher="--layers 1 --hidden_size 32 --max_length 64 --max_steps 4 --use_cpu true"
    student="--student_layers 1 --max_length 64 --max_steps 4 --held_out 100 --use_cpu true"
    cased=500 uncased=400 megabytes="" tasks="--seeds 1 --labelled_rows 100 --max_steps 4 --use_cpu true"
    ;;
*) echo "The size is small, large or trial, got $4." >&2 && exit 2 ;;
esac
mkdir -p "$3" && cd "$3"

# Run a command, ten minutes at a time, until its folder holds a file that is written at its end.
until_there_is() {
    local file=$1 folder=$2 && shift 2
    until [ -e "$folder/$file" ]; do
        local goes_on=()
        ! compgen -G "$folder/checkpoint-*" >/dev/null || goes_on=(--resume_from_checkpoint true)
        timeout --foreground 600 "$@" --output_dir "$folder" --enable_jit_checkpoint true "${goes_on[@]}" || [ $? = 124 ]
    done
}

pretrain() {
    until_there_is training_args.bin "teachers/$1" python "$examples/pretrain_teacher.py" --corpus "$text" $megabytes $teacher \
        --save_steps 1000 --save_total_limit 1 "${@:2}"
}

distil() {
    until_there_is metrics.json "students/$1" hf-multiteacher distill --corpus "$text" $megabytes $student --seed 0 \
        --save_steps 1000 --save_total_limit 1 "${@:2}"
}

pretrain cased --vocab_size "$cased"
pretrain uncased --vocab_size "$uncased" --lowercase true

distil alone --teachers teachers/cased teachers/uncased --soft_target_weight 0 --hard_label_weight 1
distil cased --teachers teachers/cased teachers/uncased --teacher_weights 1 0
distil uncased --teachers teachers/uncased teachers/cased --teacher_weights 1 0
distil both --teachers teachers/cased teachers/uncased

hf-multiteacher ablate "$examples/ablations/three_students.yaml" --data "$data" $tasks
