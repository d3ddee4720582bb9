module gors-compare

go 1.27
